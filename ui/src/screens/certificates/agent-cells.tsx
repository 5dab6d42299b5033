import type { Agent, EnrollmentMethod } from "@/api/schema";
import { Badge } from "@/components/badge";
import { Ago } from "@/components/time";
import { moment } from "@/lib/format";
import { useNow } from "@/lib/use-now";
import { CAPABILITIES } from "@/screens/agents/rules";

import { Lifetime } from "./lifetime";
import { agentState, shortSerial } from "./rules";

/** Name, and whether it is there. */
export function AgentState({ agent }: { agent: Agent }) {
  const now = useNow(60_000);
  const { word, tone } = agentState(agent, now);
  return (
    <div className="flex flex-col items-start gap-1">
      <p className="font-medium">{agent.label}</p>
      <span className="flex flex-wrap gap-1">
        <Badge tone={tone}>{word}</Badge>
        {!agent.revoked && (
          <Badge tone={agent.connected ? "good" : "neutral"} dot>
            {agent.connected ? "Connected" : "Not connected"}
          </Badge>
        )}
      </span>
      <Presence agent={agent} />
    </div>
  );
}

function Presence({ agent: { revoked, revokedAt, connectedSince, version, secondInstanceRefusedAt } }: { agent: Agent }) {
  if (revoked) {
    return revokedAt ? (
      <p className="text-soft">
        Revoked <Ago time={revokedAt} />
      </p>
    ) : null;
  }
  return (
    <>
      {(connectedSince || version) && (
        <p className="text-soft">
          {connectedSince && (
            <>
              Since <Ago time={connectedSince} />
              {version && ", "}
            </>
          )}
          {version && `version ${version}`}
        </p>
      )}
      {secondInstanceRefusedAt && (
        <p className="text-warn">
          A second program with its certificate was turned away <Ago time={secondInstanceRefusedAt} />.
        </p>
      )}
    </>
  );
}

const KINDS: Record<EnrollmentMethod, string> = {
  p12: "P12 file",
  "hardware-bound": "Own key",
  delegated: "Delegated",
};

/** How its certificate came to be, and until when it holds. */
export function AgentCertificate({ agent }: { agent: Agent }) {
  const { serial, createdAt, expiresAt, revoked, enrollmentMethod } = agent;
  return (
    <div className="flex flex-col items-start gap-1">
      {revoked ? <span className="text-soft">{moment(expiresAt)}</span> : <Lifetime expiresAt={expiresAt} />}
      <p className="text-soft">
        {KINDS[enrollmentMethod]}, made <Ago time={createdAt} />
      </p>
      <p className="text-soft">
        Serial{" "}
        <code className="font-mono" title={serial}>
          {shortSerial(serial)}
        </code>
      </p>
    </div>
  );
}

/** What it may do, by the names of the API. */
export function AgentRights({ agent: { capabilities, allowedSites, revoked } }: { agent: Agent }) {
  if (revoked) return <span className="text-soft">Nothing</span>;
  return (
    <div className="flex flex-col gap-1">
      <span className="flex flex-wrap gap-1">
        {capabilities.map((name) => (
          <span key={name} title={CAPABILITIES.find((each) => each.name === name)?.label}>
            <Badge>{name}</Badge>
          </span>
        ))}
      </span>
      {allowedSites.length > 0 && <p className="text-soft">Sites: {allowedSites.join(", ")}</p>}
    </div>
  );
}
