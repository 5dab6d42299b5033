import type { QueryClient } from "@tanstack/react-query";

import type { Api } from "@/api/client";
import { queries } from "@/api/queries";
import { RECENT_CHANGES } from "@/screens/dashboard/audit-part";

/**
 * Asks for what the first page shows, so that the answers come while it is being made. What the
 * server refuses is asked for again by the page, which knows what to say about it.
 */
export function askAhead(api: Api, cache: QueryClient, path: string) {
  void cache.prefetchQuery(queries.onboarding(api));
  void cache.prefetchQuery(queries.health(api));
  if (path !== "/") return;
  void cache.prefetchQuery(queries.stats(api));
  void cache.prefetchQuery(queries.tunnels(api));
  void cache.prefetchQuery(queries.agents(api));
  void cache.prefetchQuery(queries.services(api));
  void cache.prefetchQuery(queries.certificates(api));
  void cache.prefetchQuery(queries.recentAudit(api, RECENT_CHANGES));
}
