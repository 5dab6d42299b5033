import { useMutation, useQueryClient } from "@tanstack/react-query";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { Tunnel, TunnelList } from "@/api/schema";
import { useToast } from "@/components/toast-context";

/** Switches a tunnel on or off: shown at once, and taken back when the server refuses. */
export function useToggle() {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  const { queryKey } = queries.tunnels(api);
  const put = (changed: Tunnel) => {
    cache.setQueryData<TunnelList>(queryKey, (list) => list && { ...list, tunnels: withTunnel(list.tunnels, changed) });
  };
  const { mutate } = useMutation({
    mutationFn: ({ tunnel, enabled }: { tunnel: Tunnel; enabled: boolean }) =>
      api.patch("/api/tunnels/{id}", { path: { id: tunnel.id }, body: { enabled } }),
    onMutate: async ({ tunnel, enabled }) => {
      // A list that was asked for before must not come after and show the switch as it was.
      await cache.cancelQueries({ queryKey });
      put({ ...tunnel, enabled, status: enabled ? "unknown" : "disabled", statusDetail: null });
    },
    onSuccess: ({ tunnel }) => put(tunnel),
    onError: (error, { tunnel }) => {
      put(tunnel);
      toast.failed(error);
    },
  });
  return (tunnel: Tunnel, enabled: boolean) => mutate({ tunnel, enabled });
}

function withTunnel(tunnels: Tunnel[], changed: Tunnel): Tunnel[] {
  return tunnels.map((tunnel) => (tunnel.id === changed.id ? changed : tunnel));
}
