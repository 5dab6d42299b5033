import { useQuery } from "@tanstack/react-query";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { Badge } from "@/components/badge";
import { Skeleton } from "@/components/page-state";
import { Ago } from "@/components/time";

/** Whether certificates of hosts are renewed without anybody's doing. */
export function AutoRenewal() {
  const api = useApi();
  const { data } = useQuery(queries.autoRenew(api));
  if (!data) return <Skeleton className="h-5 w-64 max-w-full" />;
  return (
    <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm text-soft">
      <Badge tone={data.active ? "good" : "bad"} dot>
        {data.active ? "Renewed by themselves" : "Not renewed by themselves"}
      </Badge>
      <span>
        {data.lastRun && (
          <>
            Looked through <Ago time={data.lastRun} />
          </>
        )}
        {data.lastRun && data.nextRun && ", "}
        {data.nextRun && (
          <>
            next <Ago time={data.nextRun} />
          </>
        )}
      </span>
    </p>
  );
}
