import { useMutation, useQueryClient } from "@tanstack/react-query";

import { useApi } from "@/api/context";
import type { Tunnel } from "@/api/schema";
import { Confirm } from "@/components/dialog";
import { useToast } from "@/components/toast-context";

export function DeleteTunnel({ tunnel, onClose }: { tunnel: Tunnel; onClose: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  const deletion = useMutation({
    mutationFn: () => api.delete("/api/tunnels/{id}", { path: { id: tunnel.id } }),
    onSuccess: () => {
      toast.done(`The tunnel ${tunnel.fqdn} was deleted.`);
      return cache.invalidateQueries({ queryKey: ["tunnels"] });
    },
  });
  return (
    <Confirm
      open
      onOpenChange={onClose}
      title={`Delete the tunnel ${tunnel.fqdn}?`}
      action="Delete tunnel"
      onConfirm={deletion.mutateAsync}
    >
      <p>The address stops working at once, for everybody who uses it now, too. The app at home is not touched.</p>
      <p>To shut it for a while only, switch it off instead.</p>
    </Confirm>
  );
}
