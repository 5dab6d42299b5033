import { skipToken, useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { useEffect } from "react";

import type { SystemStats } from "@/api/schema";

/** How much of the past is kept. */
export const KEPT_MS = 5 * 60_000;
/** After so long without an answer, the line has a gap: nobody knows what was. */
const GAP_MS = 20_000;

/** One look at the machine; shares in percent, `null` in a gap. */
export interface Sample {
  at: number;
  cpu: number | null;
  memory: number | null;
}

/** The samples with one more, without those that are too old. */
export function remember(samples: readonly Sample[], stats: SystemStats, at: number): Sample[] {
  const last = samples.at(-1);
  if (last && at <= last.at) return [...samples];
  const gap: Sample[] = last && at - last.at > GAP_MS ? [{ at: last.at + 1, cpu: null, memory: null }] : [];
  const sample = { at, cpu: stats.cpu.usage, memory: share(stats.memory) };
  return [...samples, ...gap, sample].filter((each) => each.at > at - KEPT_MS);
}

/** How much of the whole is used, in percent. */
export function share({ used, total }: { used: number; total: number }): number {
  return total > 0 ? (used / total) * 100 : 0;
}

const KEY = ["stats-history"];

/** What was seen in the last minutes. It lies beside the answers, so that it outlives the page. */
export function useHistory({ data, dataUpdatedAt }: UseQueryResult<SystemStats>): Sample[] {
  const cache = useQueryClient();
  useEffect(() => {
    if (data) cache.setQueryData<Sample[]>(KEY, (samples = []) => remember(samples, data, dataUpdatedAt));
  }, [cache, data, dataUpdatedAt]);
  return useQuery<Sample[]>({ queryKey: KEY, queryFn: skipToken }).data ?? [];
}
