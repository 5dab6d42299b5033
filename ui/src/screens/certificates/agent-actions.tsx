import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Download, ShieldOff, SlidersHorizontal } from "lucide-react";
import { useState } from "react";

import { address } from "@/api/client";
import { useApi } from "@/api/context";
import type { Agent } from "@/api/schema";
import { Confirm } from "@/components/dialog";
import { Menu, MenuItem } from "@/components/menu";
import { useToast } from "@/components/toast-context";
import { usePlatform } from "@/platform/context";

import { RightsDialog } from "./rights-dialog";

/** What can be done with a live agent; a revoked one is only remembered. */
export function AgentActions({ agent }: { agent: Agent }) {
  const platform = usePlatform();
  const toast = useToast();
  const [deed, setDeed] = useState<"rights" | "revoke" | null>(null);
  const { label } = agent;
  const download = () => {
    platform.download(address("/api/certs/agent/{label}/download", { label }), `${label}.p12`).catch(toast.failed);
  };
  if (agent.revoked) return null;
  return (
    <>
      <Menu label={`Actions for ${label}`}>
        <MenuItem icon={SlidersHorizontal} onSelect={() => setDeed("rights")}>
          Change rights and sites
        </MenuItem>
        {agent.enrollmentMethod === "p12" && (
          <MenuItem icon={Download} onSelect={download}>
            Download P12 file
          </MenuItem>
        )}
        <MenuItem icon={ShieldOff} danger onSelect={() => setDeed("revoke")}>
          Revoke
        </MenuItem>
      </Menu>
      {deed === "rights" && <RightsDialog agent={agent} onClose={() => setDeed(null)} />}
      {deed === "revoke" && <RevokeAgent label={label} onClose={() => setDeed(null)} />}
    </>
  );
}

function RevokeAgent({ label, onClose }: { label: string; onClose: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  const revocation = useMutation({
    mutationFn: () => api.delete("/api/certs/agent/{label}", { path: { label } }),
    onSuccess: () => {
      toast.done(`${label} was revoked.`);
      return Promise.all(["agents", "tunnels"].map((key) => cache.invalidateQueries({ queryKey: [key] })));
    },
  });
  return (
    <Confirm open onOpenChange={onClose} title={`Revoke ${label}?`} action="Revoke agent" onConfirm={revocation.mutateAsync}>
      <p>
        It is cut off at once, and its certificate is worthless for ever. Its tunnels stay in the list, but nothing answers
        behind them until another agent takes them.
      </p>
      <p>To let the machine back in, enrol it anew; it may have the same name.</p>
    </Confirm>
  );
}
