import { useQuery } from "@tanstack/react-query";
import { ChevronDown, Download, Ticket } from "lucide-react";
import type { ReactNode } from "react";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { Agent } from "@/api/schema";
import { Badge } from "@/components/badge";
import { Button } from "@/components/button";
import { Card } from "@/components/card";
import { CopyLine } from "@/components/copy";
import { Ago } from "@/components/time";
import { useToast } from "@/components/toast-context";
import { plural } from "@/lib/format";
import { usePlatform } from "@/platform/context";
import { setupCommand } from "@/screens/agents/rules";

import { live } from "./rules";

/** The program at home: which run, and how to run one. Open by itself while none is connected. */
export function RunAgent({ onEnroll }: { onEnroll: () => void }) {
  const api = useApi();
  const platform = usePlatform();
  const toast = useToast();
  const { data } = useQuery(queries.agents(api));
  if (!data) return null;
  const agents = live(data.agents);
  const connected = agents.filter((agent) => agent.connected).length;
  const plist = () => {
    platform.download("/api/tunnels/mac-plist", "com.portlama.agent.plist").catch(toast.failed);
  };
  return (
    <Card>
      <details open={connected === 0} className="group">
        <summary className="flex flex-wrap items-center gap-2 p-4 font-semibold sm:px-5">
          <ChevronDown aria-hidden className="size-4 -rotate-90 text-soft transition-transform group-open:rotate-0" />
          <span className="flex-1">Run the agent</span>
          <Badge tone={connected > 0 ? "good" : "warn"} dot>
            {plural(connected, "agent")} connected
          </Badge>
        </summary>
        <div className="grid gap-6 px-4 pb-4 sm:px-5 sm:pb-5 lg:grid-cols-[3fr_2fr]">
          <ol className="flex list-decimal flex-col gap-4 pl-5 text-sm marker:text-soft">
            <StepItem text="Put the portlama program on the machine at home that reaches your apps." />
            <StepItem text="Enrol that machine with a token. It is shown once and holds for 10 minutes.">
              <CopyLine text={setupCommand(platform.addressOf("/"))} label="Copy command" />
              <Button size="sm" onClick={onEnroll}>
                <Ticket aria-hidden /> Make token
              </Button>
            </StepItem>
            <StepItem text="Keep it connected. On a Mac, a launchd job can start it with the machine.">
              <CopyLine text="portlama agent run" label="Copy command" />
              <Button size="sm" onClick={plist}>
                <Download aria-hidden /> Download launchd job
              </Button>
            </StepItem>
            <StepItem text="Allow each app there, by its port. This server reaches nothing else.">
              <CopyLine text="portlama agent allow 8400" label="Copy command" />
            </StepItem>
          </ol>
          <AgentStates agents={agents} />
        </div>
      </details>
    </Card>
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
    <ul aria-label="Agents" className="max-h-80 divide-y divide-line overflow-y-auto text-sm">
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
