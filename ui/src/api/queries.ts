import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import type { Api } from "./client";

/**
 * What screens read, each with its key and how often it is asked for anew while it is looked at.
 * A mutation invalidates by the first word of the key.
 */
const SECOND = 1000;

export const queries = {
  onboarding: (api: Api) =>
    queryOptions({
      queryKey: ["onboarding"],
      queryFn: ({ signal }) => api.get("/api/onboarding/status", { signal }),
      staleTime: 30 * SECOND,
    }),
  health: (api: Api) =>
    queryOptions({
      queryKey: ["health"],
      queryFn: ({ signal }) => api.get("/api/health", { signal }),
      staleTime: 60 * SECOND,
    }),
  version: (api: Api) =>
    queryOptions({
      queryKey: ["version"],
      queryFn: ({ signal }) => api.get("/api/system/update", { signal }),
      refetchInterval: 15 * SECOND,
    }),
  stats: (api: Api) =>
    queryOptions({
      queryKey: ["stats"],
      queryFn: ({ signal }) => api.get("/api/system/stats", { signal }),
      refetchInterval: 5 * SECOND,
    }),
  services: (api: Api) =>
    queryOptions({
      queryKey: ["services"],
      queryFn: ({ signal }) => api.get("/api/services", { signal }),
      refetchInterval: 5 * SECOND,
    }),
  tunnels: (api: Api) =>
    queryOptions({
      queryKey: ["tunnels"],
      queryFn: ({ signal }) => api.get("/api/tunnels", { signal }),
      refetchInterval: 5 * SECOND,
    }),
  agents: (api: Api) =>
    queryOptions({
      queryKey: ["agents"],
      queryFn: ({ signal }) => api.get("/api/certs/agent", { signal }),
      refetchInterval: 15 * SECOND,
    }),
  certificates: (api: Api) =>
    queryOptions({
      queryKey: ["certificates"],
      queryFn: ({ signal }) => api.get("/api/certs", { signal }),
      refetchInterval: 30 * SECOND,
    }),
  autoRenew: (api: Api) =>
    queryOptions({
      queryKey: ["certificates", "auto-renew"],
      queryFn: ({ signal }) => api.get("/api/certs/auto-renew-status", { signal }),
      refetchInterval: 60 * SECOND,
    }),
  adminAuth: (api: Api) =>
    queryOptions({
      queryKey: ["certificates", "admin-auth"],
      queryFn: ({ signal }) => api.get("/api/certs/admin/auth-mode", { signal }),
    }),
  users: (api: Api) =>
    queryOptions({
      queryKey: ["users"],
      queryFn: ({ signal }) => api.get("/api/users", { signal }),
      refetchInterval: 30 * SECOND,
    }),
  invitations: (api: Api) =>
    queryOptions({
      queryKey: ["invitations"],
      queryFn: ({ signal }) => api.get("/api/invitations", { signal }),
      refetchInterval: 30 * SECOND,
    }),
  sites: (api: Api) =>
    queryOptions({
      queryKey: ["sites"],
      queryFn: ({ signal }) => api.get("/api/sites", { signal }),
      refetchInterval: 15 * SECOND,
    }),
  siteFiles: (api: Api, id: string, path: string) =>
    queryOptions({
      queryKey: ["sites", id, "files", path],
      queryFn: ({ signal }) => api.get("/api/sites/{id}/files", { path: { id }, query: { path }, signal }),
      refetchInterval: 10 * SECOND,
    }),
  /** The newest entries alone; the page of the whole log reads on from there by itself. */
  recentAudit: (api: Api, limit: number) =>
    queryOptions({
      queryKey: ["audit", "recent", limit],
      queryFn: ({ signal }) => api.get("/api/audit", { query: { limit }, signal }),
      refetchInterval: 15 * SECOND,
    }),
  audit: (api: Api, filter: { identity?: string; action?: string; target?: string }) =>
    infiniteQueryOptions({
      queryKey: ["audit", filter],
      queryFn: ({ signal, pageParam }) =>
        api.get("/api/audit", { query: { ...filter, before: pageParam, limit: 100 }, signal }),
      initialPageParam: undefined as number | undefined,
      getNextPageParam: (page) => page.next ?? undefined,
    }),
  twoFactor: (api: Api) =>
    queryOptions({
      queryKey: ["two-factor"],
      queryFn: ({ signal }) => api.get("/api/settings/2fa", { signal }),
    }),
};
