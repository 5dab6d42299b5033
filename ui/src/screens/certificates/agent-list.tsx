import { useQuery } from "@tanstack/react-query";
import { KeyRound, Router, Ticket } from "lucide-react";
import { useState } from "react";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { Agent } from "@/api/schema";
import { Button } from "@/components/button";
import { Card } from "@/components/card";
import { DataList } from "@/components/data-list";
import { Filter } from "@/components/filter";
import { QueryView, State } from "@/components/page-state";
import { EnrollDialog } from "@/screens/agents/enroll-dialog";

import { AgentActions } from "./agent-actions";
import { AgentCertificate, AgentRights, AgentState } from "./agent-cells";
import { P12AgentDialog } from "./p12-agent-dialog";
import { inOrder } from "./rules";

export function AgentList() {
  const api = useApi();
  const [filter, setFilter] = useState("");
  const [withRevoked, setWithRevoked] = useState(false);
  const [dialog, setDialog] = useState<"token" | "p12" | null>(null);
  const query = useQuery(queries.agents(api));
  const revoked = query.data ? inOrder(query.data.agents).revoked.length : 0;
  const close = (open: boolean) => !open && setDialog(null);
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <Filter label="Find an agent" value={filter} onChange={setFilter} />
        {revoked > 0 && (
          <label className="flex min-h-9 items-center gap-2 text-sm pointer-coarse:min-h-11">
            <input
              type="checkbox"
              className="size-4.5 accent-accent"
              checked={withRevoked}
              onChange={(event) => setWithRevoked(event.target.checked)}
            />
            Show revoked ({revoked})
          </label>
        )}
        <div className="flex flex-wrap gap-2 sm:ml-auto">
          <Button onClick={() => setDialog("p12")}>
            <KeyRound aria-hidden /> Make P12 file
          </Button>
          <Button variant="primary" onClick={() => setDialog("token")}>
            <Ticket aria-hidden /> Enrol agent
          </Button>
        </div>
      </div>
      <Card>
        <QueryView query={query}>
          {({ agents }) => <Agents agents={shown(agents, filter, withRevoked)} filtered={filter.trim() !== ""} />}
        </QueryView>
      </Card>
      <EnrollDialog open={dialog === "token"} onOpenChange={close} />
      {dialog === "p12" && <P12AgentDialog onClose={() => setDialog(null)} />}
    </div>
  );
}

function shown(agents: Agent[], filter: string, withRevoked: boolean): Agent[] {
  const { live, revoked } = inOrder(agents);
  const wanted = filter.trim().toLowerCase();
  return [...live, ...(withRevoked ? revoked : [])].filter(
    ({ label, serial }) => label.includes(wanted) || serial.toLowerCase().includes(wanted),
  );
}

function Agents({ agents, filtered }: { agents: Agent[]; filtered: boolean }) {
  return (
    <DataList
      label="Agents"
      rows={agents}
      rowKey={({ serial }) => serial}
      empty={
        <State icon={Router} title={filtered ? "No agent has this name or serial" : "No agents yet"}>
          {!filtered && "An agent is the program at home that connects your apps to this server. Enrol one with a token."}
        </State>
      }
      columns={[
        { header: "Agent", width: "4fr", phone: "title", cell: (agent) => <AgentState agent={agent} /> },
        { header: "Certificate", width: "4fr", phone: "plain", cell: (agent) => <AgentCertificate agent={agent} /> },
        { header: "May", width: "4fr", phone: "plain", cell: (agent) => <AgentRights agent={agent} /> },
        { header: "Actions", width: "3.5rem", align: "end", cell: (agent) => <AgentActions agent={agent} /> },
      ]}
    />
  );
}
