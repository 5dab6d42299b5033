import { useQuery } from "@tanstack/react-query";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { Agent } from "@/api/schema";
import { Badge } from "@/components/badge";
import { Ago } from "@/components/time";

import { Part, Row, Rows, SHOWN, Summary } from "./part";

/** Which agents are connected; those that are not come first. */
export function AgentsPart() {
  return (
    <Part title="Agents" to="/certificates?tab=agents" more="All agents" query={useQuery(queries.agents(useApi()))}>
      {({ agents: all }) => {
        const agents = all.filter(({ revoked }) => !revoked);
        const connected = agents.filter((agent) => agent.connected);
        const away = agents.filter((agent) => !agent.connected);
        return (
          <>
            <Summary>
              <Badge tone={connected.length > 0 ? "good" : "neutral"} dot>
                {connected.length} connected
              </Badge>
              {away.length > 0 && (
                <Badge tone="warn" dot>
                  {away.length} not connected
                </Badge>
              )}
            </Summary>
            <Rows label="Agents" rest={agents.length - SHOWN}>
              {[...away, ...connected].slice(0, SHOWN).map((agent) => (
                <Row key={agent.serial} name={agent.label} note={<Note agent={agent} />} side={<Side agent={agent} />} />
              ))}
            </Rows>
          </>
        );
      }}
    </Part>
  );
}

function Note({ agent: { version, secondInstanceRefusedAt } }: { agent: Agent }) {
  if (secondInstanceRefusedAt) {
    return (
      <span className="text-warn">
        A second machine with its certificate was refused <Ago time={secondInstanceRefusedAt} />
      </span>
    );
  }
  return version && `Version ${version}`;
}

function Side({ agent: { connected, connectedSince } }: { agent: Agent }) {
  return (
    <>
      <Badge tone={connected ? "good" : "warn"}>{connected ? "Connected" : "Not connected"}</Badge>
      {connected && connectedSince && <Ago time={connectedSince} />}
    </>
  );
}
