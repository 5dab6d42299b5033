import type { Agent, Capability } from "@/api/schema";
import type { Refusals } from "@/lib/refusals";

/** What an agent may be allowed, in plain words; `tunnels:read` it always has. */
export const CAPABILITIES: { name: Capability; label: string; hint?: string }[] = [
  { name: "tunnels:write", label: "Make and change its own tunnels", hint: "So that tunnels can be made from the machine at home, too." },
  { name: "panel:expose", label: "Show its own panel at a host name" },
  { name: "sites:read", label: "Read the files of the sites below" },
  { name: "sites:write", label: "Change the files of the sites below" },
  { name: "system:read", label: "Read the server’s statistics" },
  { name: "services:read", label: "See the server’s parts" },
  { name: "services:write", label: "Start, stop and restart the server’s parts" },
];

/** What the server will say against an agent's name, said before it is sent. */
export function labelProblem(label: string, agents: readonly Agent[]): true | string {
  if (label === "") return "Enter a name.";
  if (!/^[a-z0-9-]*$/.test(label)) return "Only small letters, digits and hyphens.";
  if (label.startsWith("-")) return "Begin with a letter or a digit.";
  if (label.length > 50) return "50 characters at most.";
  return !liveAgent(agents, label) || "An agent of this name is enrolled. Revoke it first, or choose another name.";
}

export const REFUSALS: Refusals = [["agent `…` is enrolled: revoke it first", "label"]];

/** The agent of this name whose certificate is good; revoked ones may share the name. */
export function liveAgent(agents: readonly Agent[], label: string): Agent | undefined {
  return agents.find((agent) => agent.label === label && !agent.revoked);
}

/** The command that enrols a machine; it asks for the token, which is no argument on purpose. */
export function setupCommand(panel: string): string {
  return `portlama agent setup --panel-url ${panel.replace(/\/+$/, "")}`;
}
