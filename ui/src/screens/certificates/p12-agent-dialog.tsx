import { useQueryClient } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useState } from "react";

import { address } from "@/api/client";
import { useApi } from "@/api/context";
import type { AgentP12 } from "@/api/schema";
import { Button } from "@/components/button";
import { SecretLine } from "@/components/copy";
import { Dialog } from "@/components/dialog";
import { useToast } from "@/components/toast-context";
import { moment } from "@/lib/format";
import { usePlatform } from "@/platform/context";
import { NewAgentForm } from "@/screens/agents/new-agent-form";

import { ShownOnce } from "./shown-once";

/** Makes an agent whose key comes in a file. */
export function P12AgentDialog({ onClose }: { onClose: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const [made, setMade] = useState<AgentP12 | null>(null);
  if (made) return <Made made={made} onClose={onClose} />;
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title="Make a P12 file for an agent"
      lead="For programs that take a certificate as a file. A machine that runs the agent should be enrolled with a token instead: its key then never leaves it."
    >
      <NewAgentForm
        action="Make P12 file"
        onCancel={onClose}
        onSend={async (body) => {
          setMade(await api.post("/api/certs/agent", { body }));
          await cache.invalidateQueries({ queryKey: ["agents"] });
        }}
      />
    </Dialog>
  );
}

function Made({ made: { label, p12Password, expiresAt }, onClose }: { made: AgentP12; onClose: () => void }) {
  const platform = usePlatform();
  const toast = useToast();
  const [taken, setTaken] = useState(false);
  const download = () => {
    platform.download(address("/api/certs/agent/{label}/download", { label }), `${label}.p12`).catch(toast.failed);
  };
  return (
    <ShownOnce
      title={`P12 file of ${label}`}
      lead="The password is shown only now. Whoever has file and password is this agent."
      saved={taken}
      loss="Nobody has seen the password, and without it the file is of no use. You would have to revoke this agent and make another file."
      onClose={onClose}
    >
      <SecretLine secret={p12Password} name="password" onTaken={() => setTaken(true)} />
      <p className="text-sm text-soft">
        The file can be downloaded again from the list, the password not. The certificate ends {moment(expiresAt)}.
      </p>
      <Button className="self-start" onClick={download}>
        <Download aria-hidden /> Download P12 file
      </Button>
    </ShownOnce>
  );
}
