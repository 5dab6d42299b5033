import type { Tone } from "@/components/badge";
import type { AccessMode, Tunnel, TunnelStatus } from "@/api/schema";

interface Look {
  label: string;
  tone: Tone;
}

/** What was measured, in words. */
export const STATUS: Record<TunnelStatus, Look> = {
  serving: { label: "Serving", tone: "good" },
  agent_offline: { label: "Agent offline", tone: "bad" },
  origin_refused: { label: "App does not answer", tone: "bad" },
  certificate_pending: { label: "Waiting for certificate", tone: "warn" },
  no_agent: { label: "No agent", tone: "warn" },
  not_allowed_at_home: { label: "Not allowed at home", tone: "warn" },
  disabled: { label: "Off", tone: "neutral" },
  unknown: { label: "Not known yet", tone: "neutral" },
};

export const ACCESS: Record<AccessMode, Look> = {
  authenticated: { label: "Signed-in users", tone: "good" },
  public: { label: "Public", tone: "bad" },
  restricted: { label: "Nobody (restricted)", tone: "warn" },
};

/** A server of another version may say a word that this panel does not know. */
export function statusOf(tunnel: Tunnel): Look {
  return STATUS[tunnel.status ?? "unknown"] ?? STATUS.unknown;
}

/** Panels of agents open by certificate and have no access mode. */
export function accessOf({ accessMode }: Tunnel): Look {
  return accessMode ? ACCESS[accessMode] : { label: "By certificate", tone: "accent" };
}

/** On, and yet visitors are not served. */
export function isDown({ status }: Tunnel): boolean {
  return status !== "serving" && status !== "disabled" && status !== undefined && status !== "unknown";
}

export type StepState = "done" | "now" | "later";

export interface Step {
  name: "certificate" | "agent" | "allowed" | "app";
  state: StepState;
}

const ORDER: Step["name"][] = ["certificate", "agent", "allowed", "app"];

/** The step at which a tunnel waits. The server names the first that fails, so all before it are done. */
const WAITS_AT: Partial<Record<TunnelStatus, Step["name"]>> = {
  certificate_pending: "certificate",
  no_agent: "agent",
  agent_offline: "agent",
  not_allowed_at_home: "allowed",
  origin_refused: "app",
};

/** How far a tunnel has come on its way to serving; nothing when that can't be told. */
export function steps({ status }: Pick<Tunnel, "status">): Step[] {
  if (status === "serving") return ORDER.map((name) => ({ name, state: "done" }));
  const waits = status && WAITS_AT[status];
  if (!waits) return [];
  const at = ORDER.indexOf(waits);
  return ORDER.map((name, index) => ({ name, state: index < at ? "done" : index === at ? "now" : "later" }));
}
