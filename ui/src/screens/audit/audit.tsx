import { useInfiniteQuery } from "@tanstack/react-query";
import { RefreshCw, ScrollText } from "lucide-react";
import { useSearchParams } from "react-router";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { Button } from "@/components/button";
import { Card } from "@/components/card";
import { Page } from "@/components/page";
import { Failure, SkeletonRows, State } from "@/components/page-state";
import { cn } from "@/lib/cn";

import { AuditFilters, type AuditFilter } from "./audit-filters";
import { AuditList } from "./audit-list";
import { More } from "./more";

export function Component() {
  const api = useApi();
  const [filter, setFilter] = useFilter();
  const query = useInfiniteQuery(queries.audit(api, filter));
  const entries = query.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <Page
      title="Audit log"
      lead="Every change to this server: who made it, when, and what was before. Entries can’t be edited; the oldest go when there are 100,000."
      actions={
        <Button onClick={() => void query.refetch()}>
          <RefreshCw aria-hidden className={cn(query.isRefetching && "animate-spin")} /> Refresh
        </Button>
      }
    >
      <AuditFilters filter={filter} onChange={setFilter} />
      <Card>
        {query.data ? (
          <AuditList entries={entries} onFilter={(part) => setFilter({ ...filter, ...part })} empty={<Nothing filter={filter} />} />
        ) : query.error ? (
          <Failure error={query.error} onRetry={() => void query.refetch()} />
        ) : (
          <SkeletonRows rows={10} />
        )}
      </Card>
      {query.hasNextPage && (
        <More
          busy={query.isFetchingNextPage}
          error={query.isFetchNextPageError ? query.error : null}
          onMore={() => void query.fetchNextPage({ cancelRefetch: false })}
        />
      )}
    </Page>
  );
}

/** The filter stands in the address, so that it can be kept and sent. */
function useFilter(): [AuditFilter, (filter: AuditFilter) => void] {
  const [search, setSearch] = useSearchParams();
  const filter: AuditFilter = {};
  for (const name of ["identity", "action", "target"] as const) {
    const value = search.get(name);
    if (value) filter[name] = value;
  }
  const change = (next: AuditFilter) => {
    setSearch(Object.entries(next).filter(([, value]) => value) as [string, string][], { replace: true });
  };
  return [filter, change];
}

function Nothing({ filter }: { filter: AuditFilter }) {
  if (Object.keys(filter).length > 0) return <State icon={ScrollText} title="No entry matches the filter" />;
  return <State icon={ScrollText} title="Nothing was changed yet" />;
}
