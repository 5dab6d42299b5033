import { useQuery } from "@tanstack/react-query";
import { Download, Ticket } from "lucide-react";
import type { ReactNode } from "react";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { Agent } from "@/api/schema";
import { Badge } from "@/components/badge";
import { Button } from "@/components/button";
import { CopyLine } from "@/components/copy";
import { Dialog } from "@/components/dialog";
import { QueryView } from "@/components/page-state";
import { Ago } from "@/components/time";
import { useToast } from "@/components/toast-context";
import { usePlatform } from "@/platform/context";
import { setupCommand } from "@/screens/agents/rules";

import { live } from "./rules";

interface RunAgentProps {
  onClose: () => void;
  onEnroll: () => void;
}

/** The program at home: how to run one, and which run. */
export function RunAgent({ onClose, onEnroll }: RunAgentProps) {
  const api = useApi();
  const platform = usePlatform();
  const toast = useToast();
  const plist = () => {
    platform.download("/api/tunnels/mac-plist", "com.portlama.agent.plist").catch(toast.failed);
  };
  return (
    <Dialog
      open
      onOpenChange={onClose}
      wide
      title="Run an agent"
      lead="The agent is the program at home that connects your apps to this server. It calls out, so no port is opened at home."
    >
      <div className="grid gap-6 md:grid-cols-[3fr_2fr]">
        <ol className="flex list-decimal flex-col gap-4 pl-5 text-sm marker:text-soft">
          <StepItem text="Put the portlama program on the machine at home that reaches your apps." />
          <StepItem text="Enrol that machine with a token. It is shown once and holds for 10 minutes.">
            <CopyLine text={setupCommand(platform.addressOf("/"))} label="Copy command" />
            <Button size="sm" variant="primary" onClick={onEnroll}>
              <Ticket aria-hidden /> Make token
            </Button>
          </StepItem>
          <StepItem text="It connects, and starts again with the machine. Where nothing runs services, as in a container, run it yourself.">
            <CopyLine text="portlama agent run" label="Copy command" />
            <Button size="sm" onClick={plist}>
              <Download aria-hidden /> Download launchd job
            </Button>
          </StepItem>
          <StepItem text="Allow each app there, by its port. This server reaches nothing else.">
            <CopyLine text="portlama agent allow 8400" label="Copy command" />
          </StepItem>
        </ol>
        <section aria-label="Agents">
          <QueryView query={useQuery(queries.agents(api))}>{({ agents }) => <AgentStates agents={live(agents)} />}</QueryView>
        </section>
      </div>
    </Dialog>
  );
}

function StepItem({ text, children }: { text: string; children?: ReactNode }) {
  return (
    <li>
      <p>{text}</p>
      {children && <div className="mt-2 flex flex-col items-start gap-2 *:first:w-full">{children}</div>}
    </li>
  );
}

function AgentStates({ agents }: { agents: Agent[] }) {
  if (agents.length === 0) return <p className="text-sm text-soft">No agent is enrolled yet.</p>;
  return (
    <ul className="divide-y divide-line text-sm">
      {agents.map(({ serial, label, connected, connectedSince, version }) => (
        <li key={serial} className="flex flex-wrap items-center justify-between gap-x-3 gap-y-1 py-2">
          <span className="font-medium wrap-anywhere">{label}</span>
          <span className="flex items-center gap-2 text-xs text-soft">
            {version && `version ${version}`}
            {connected && connectedSince && <Ago time={connectedSince} />}
            <Badge tone={connected ? "good" : "neutral"} dot>
              {connected ? "Connected" : "Not connected"}
            </Badge>
          </span>
        </li>
      ))}
    </ul>
  );
}
