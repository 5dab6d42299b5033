import type { UseQueryResult } from "@tanstack/react-query";
import { ChevronRight } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "react-router";

import { Card } from "@/components/card";
import { QueryView, Skeleton } from "@/components/page-state";
import { cn } from "@/lib/cn";

/** How many rows a part shows before it only counts the rest. */
export const SHOWN = 5;

interface PartProps<T> {
  title: string;
  /** The page that shows all of it. */
  to: string;
  more: string;
  query: UseQueryResult<T>;
  className?: string;
  children: (data: T) => ReactNode;
}

/** A card that sums one page up and leads there. */
export function Part<T>({ title, to, more, query, className, children }: PartProps<T>) {
  return (
    <Card className={cn("flex min-h-44 flex-col", className)}>
      <header className="flex items-center justify-between gap-4 px-4 pt-3.5 pb-1 sm:px-5">
        <h2 className="font-semibold">{title}</h2>
        <Link to={to} className="flex items-center gap-0.5 py-1 text-sm whitespace-nowrap text-accent underline-offset-4 hover:underline">
          {more} <ChevronRight aria-hidden className="size-4" />
        </Link>
      </header>
      <QueryView query={query} loading={<Waiting />}>
        {children}
      </QueryView>
    </Card>
  );
}

/** Of the height of a part's fewest rows, so that nothing moves when they come. */
function Waiting() {
  return (
    <div role="status" aria-label="Loading" className="space-y-4 px-4 py-3 sm:px-5">
      <Skeleton className="w-1/3" />
      <Skeleton className="w-3/4" />
      <Skeleton className="w-2/3" />
    </div>
  );
}

/** What all of it comes to, in a line. */
export function Summary({ children }: { children: ReactNode }) {
  return <div className="flex flex-wrap items-center gap-1.5 px-4 py-2 sm:px-5">{children}</div>;
}

export function Rows({ label, rest, children }: { label: string; rest?: number; children: ReactNode }) {
  return (
    <>
      <ul aria-label={label} className="divide-y divide-line text-sm">
        {children}
      </ul>
      {rest !== undefined && rest > 0 && <p className="px-4 pb-3 text-sm text-soft sm:px-5">and {rest.toLocaleString()} more</p>}
    </>
  );
}

/** One thing: what it is, what is to say about it, and at the right how it is. */
export function Row({ name, note, side }: { name: ReactNode; note?: ReactNode; side: ReactNode }) {
  return (
    <li className="flex flex-wrap items-start justify-between gap-x-3 gap-y-1 px-4 py-2.5 sm:px-5">
      {/* Where there is no room beside it, the side goes below rather than cut names apart. */}
      <div className="min-w-0 flex-1 basis-44 wrap-anywhere">
        <p className="font-medium">{name}</p>
        {note && <p className="text-soft">{note}</p>}
      </div>
      <div className="flex shrink-0 items-center gap-x-2 gap-y-0.5 text-xs text-soft sm:flex-col sm:items-end">{side}</div>
    </li>
  );
}

export function Nothing({ children }: { children: ReactNode }) {
  return <p className="px-4 py-3 text-sm text-soft sm:px-5">{children}</p>;
}
