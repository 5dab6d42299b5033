import type { UseQueryResult } from "@tanstack/react-query";
import { CloudOff, Lock, RefreshCw, TriangleAlert, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

import { ApiError, isCertificateRefused, needsCode, sentence } from "@/api/error";
import { cn } from "@/lib/cn";
import { moment } from "@/lib/format";
import { Unreachable } from "@/platform/platform";

import { Button } from "./button";
import { Notice } from "./notice";
import { Words } from "./words";

/** Grey bars of the size of what comes, so that nothing jumps when it does. */
export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={cn("h-4 animate-pulse rounded bg-sunken", className)} />;
}

/** So many rows of a list that is on its way. */
export function SkeletonRows({ rows = 4 }: { rows?: number }) {
  return (
    <div role="status" aria-label="Loading" className="divide-y divide-line">
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="flex h-14 items-center gap-4 px-4 sm:px-5">
          <Skeleton className="w-1/4" />
          <Skeleton className="w-1/3" />
          <Skeleton className="ml-auto w-16" />
        </div>
      ))}
    </div>
  );
}

interface StateProps {
  icon: LucideIcon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  urgent?: boolean;
}

/** A page, or a part of one, that has nothing to show: what is so, why, and the way on. */
export function State({ icon: Icon, title, children, action, urgent }: StateProps) {
  return (
    <div role={urgent ? "alert" : undefined} className="flex flex-col items-center px-4 py-10 text-center">
      <Icon aria-hidden className="mb-3 size-7 text-soft" />
      <p className="font-semibold">{title}</p>
      {children && <div className="mt-1 max-w-md text-sm text-soft">{children}</div>}
      {action && <div className="mt-4 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}

/** Why something could not be shown, and another try. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const retry = onRetry && (
    <Button onClick={onRetry}>
      <RefreshCw aria-hidden /> Try again
    </Button>
  );
  if (error instanceof Unreachable) {
    return (
      <State urgent icon={CloudOff} title="No connection to the server" action={retry}>
        It may be restarting, or this machine is offline. The panel goes on by itself as soon as it answers.
      </State>
    );
  }
  if (error instanceof ApiError && error.status === 403) {
    return (
      <State urgent icon={Lock} title="Not allowed">
        <Words>{sentence(error)}</Words>
      </State>
    );
  }
  return (
    <State urgent icon={TriangleAlert} title="This could not be loaded" action={retry}>
      <Words>{sentence(error)}</Words>
    </State>
  );
}

interface QueryViewProps<T> {
  query: UseQueryResult<T>;
  /** What stands there while the first answer is awaited. */
  loading?: ReactNode;
  children: (data: T) => ReactNode;
}

/**
 * Shows what a query found; before that, that it is awaited or why it failed. What was found once
 * stays on the page when the next answer is none, with the reason above it, and looks no longer fresh:
 * whatever shows how things are now has another look inside `data-stale`.
 */
export function QueryView<T>({ query, loading = <SkeletonRows />, children }: QueryViewProps<T>) {
  if (query.data !== undefined) {
    const stale = isStale(query.error);
    return (
      <div className="contents" data-stale={stale ? "" : undefined}>
        {stale && <Stale since={query.dataUpdatedAt} error={query.error} />}
        {children(query.data)}
      </div>
    );
  }
  if (query.error) return <Failure error={query.error} onRetry={() => void query.refetch()} />;
  return loading;
}

/** Whether to say so here: what concerns the whole window the shell's banner says once. */
function isStale(error: Error | null): boolean {
  return error !== null && !(error instanceof Unreachable || needsCode(error) || isCertificateRefused(error));
}

function Stale({ since, error }: { since: number; error: unknown }) {
  return (
    <Notice tone="warn" className="in-[section]:mx-4 in-[section]:my-3">
      Not fresh since {moment(new Date(since).toISOString())}: <Words>{sentence(error)}</Words>
    </Notice>
  );
}
