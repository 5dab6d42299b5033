import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { Enrollment } from "@/api/schema";
import { Button } from "@/components/button";
import { CopyLine, SecretLine } from "@/components/copy";
import { Dialog, DialogActions } from "@/components/dialog";
import { Notice } from "@/components/notice";
import { useToast } from "@/components/toast-context";
import { countdown } from "@/lib/format";
import { useNow } from "@/lib/use-now";
import { usePlatform } from "@/platform/context";

import { NewAgentForm } from "./new-agent-form";
import { liveAgent, setupCommand } from "./rules";

/** How often the server is asked whether the new agent has come. */
const WATCH_MS = 2000;

interface EnrollDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** Makes a token with which one machine becomes an agent, and waits for it to come. */
export function EnrollDialog({ open, onOpenChange }: EnrollDialogProps) {
  const api = useApi();
  const [made, setMade] = useState<Enrollment | null>(null);
  const change = (to: boolean) => {
    setMade(null);
    onOpenChange(to);
  };
  return (
    <Dialog
      open={open}
      onOpenChange={change}
      holdsSecret={made !== null}
      title={made ? `Token for ${made.label}` : "Enrol an agent"}
      lead={
        made
          ? "It is shown only now and works once. Whoever has it can become this agent."
          : "An agent is the program at home that connects your apps to this server. It joins with a token that holds for 10 minutes."
      }
    >
      {made ? (
        <Token key={made.token} made={made} onAgain={() => setMade(null)} onDone={() => change(false)} />
      ) : (
        <NewAgentForm
          action="Make token"
          onSend={async (body) => setMade(await api.post("/api/certs/agent/enroll", { body }))}
          onCancel={() => change(false)}
        />
      )}
    </Dialog>
  );
}

function Token({ made, onAgain, onDone }: { made: Enrollment; onAgain: () => void; onDone: () => void }) {
  const platform = usePlatform();
  const api = useApi();
  const toast = useToast();
  const now = useNow();
  const agents = useQuery({ ...queries.agents(api), refetchInterval: WATCH_MS }).data?.agents ?? [];
  const agent = liveAgent(agents, made.label);
  const takeBack = useMutation({
    mutationFn: () => api.delete("/api/certs/agent/enroll/{label}", { path: { label: made.label } }),
    onSuccess: () => {
      toast.done(`The token for ${made.label} is worthless now.`);
      onDone();
    },
    onError: toast.failed,
  });
  const left = (Date.parse(made.expiresAt) - now) / 1000;
  if (agent) return <Enrolled label={made.label} connected={agent.connected ?? false} onDone={onDone} />;
  return (
    <>
      <ol className="flex list-decimal flex-col gap-4 pl-5 text-sm marker:text-soft">
        <li className="space-y-1.5">
          <p>On the machine at home, run:</p>
          <CopyLine text={setupCommand(platform.addressOf("/"))} label="Copy command" />
        </li>
        <li className="space-y-1.5">
          <p>When it asks for the token, paste this one:</p>
          <SecretLine secret={made.setupToken} name="token" />
        </li>
        <li className="space-y-1.5">
          <p>It connects, and starts again with the machine. Where nothing runs services, as in a container, run:</p>
          <CopyLine text="portlama agent run" label="Copy command" />
        </li>
      </ol>
      {left > 0 ? (
        <p className="text-sm text-soft" role="timer">
          Waiting for {made.label}. The token ends in <strong className="text-ink tabular-nums">{countdown(left)}</strong>.
        </p>
      ) : (
        <Notice tone="warn" urgent title="The token has ended">
          Nobody used it. Make another one.
        </Notice>
      )}
      <DialogActions>
        {left > 0 ? (
          <Button busy={takeBack.isPending} onClick={() => takeBack.mutate()}>
            Take token back
          </Button>
        ) : (
          <Button onClick={onAgain}>Make another token</Button>
        )}
        <Button variant="primary" onClick={onDone}>
          Done
        </Button>
      </DialogActions>
    </>
  );
}

function Enrolled({ label, connected, onDone }: { label: string; connected: boolean; onDone: () => void }) {
  return (
    <>
      <Notice tone="good" urgent title={connected ? `${label} is enrolled and connected` : `${label} is enrolled`}>
        {connected ? (
          "It can serve tunnels now."
        ) : (
          <>
            See there why it is not connected: <code className="font-mono">portlama agent status</code>
          </>
        )}
      </Notice>
      <DialogActions>
        <Button variant="primary" onClick={onDone}>
          Done
        </Button>
      </DialogActions>
    </>
  );
}
