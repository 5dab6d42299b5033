import type { Agent, Site, Tunnel } from "@/api/schema";
import type { Refusals } from "@/lib/refusals";

/**
 * What the server will say against a tunnel, said while it is typed. The server's rules decide;
 * these only spare a round trip.
 */

const RESERVED = ["panel", "auth", "tunnel", "www", "mail", "ftp", "api"];

/** What has names already. */
export interface Taken {
  /** The base domain; absent while it is not known. */
  domain: string | undefined;
  tunnels: readonly Tunnel[];
  sites: readonly Site[];
}

export function subdomainProblem(name: string, taken: Taken): true | string {
  if (name === "") return "Enter a name.";
  if (!/^[a-z0-9-]*$/.test(name)) return "Only small letters, digits and hyphens.";
  if (/^-|-$/.test(name)) return "A hyphen can’t be first or last.";
  if (name.length > 63) return "63 characters at most.";
  if (RESERVED.includes(name)) return `“${name}” is kept for the server itself or for mail and the web. Choose another name.`;
  if (name.startsWith("agent-")) return "Names that begin with “agent-” are kept for the panels of agents.";
  return takenBy(name, taken) ?? true;
}

function takenBy(name: string, { domain, tunnels, sites }: Taken): string | undefined {
  const host = domain && `${name}.${domain}`;
  const tunnel = tunnels.find(({ subdomain, fqdn }) => subdomain === name || fqdn === host);
  if (tunnel) return `${tunnel.fqdn} is taken: it leads to port ${tunnel.port}${tunnel.agentLabel ? ` of ${tunnel.agentLabel}` : ""}.`;
  const site = sites.find(({ fqdn }) => fqdn === host);
  return site && `${site.fqdn} is taken by the site ${site.name}.`;
}

/**
 * @param agent the agent that will serve the port; empty for none: tunnels without an agent count as
 *   one agent's, because one agent will get them all
 */
export function portProblem(typed: string, agent: string, tunnels: readonly Tunnel[]): true | string {
  if (!/^\d+$/.test(typed)) return "Enter the number of the port.";
  const port = Number(typed);
  if (port < 1024) {
    return `Use a number from 1024 on, such as 8080, and say at home: portlama agent allow localhost:${port} --as 8080`;
  }
  if (port > 65_535) return "65535 at most.";
  const other = tunnels.find((tunnel) => tunnel.port === port && (tunnel.agentLabel ?? "") === agent);
  if (!other) return true;
  return `${other.fqdn} has this port${agent && ` of ${agent}`}. To put one app behind two names, give it another number at home: portlama agent allow ${port} --as ${freePort(port, agent, tunnels)}`;
}

function freePort(port: number, agent: string, tunnels: readonly Tunnel[]): number {
  const used = new Set(tunnels.filter((tunnel) => (tunnel.agentLabel ?? "") === agent).map((tunnel) => tunnel.port));
  for (let next = port + 1; next <= 65_535; next += 1) if (!used.has(next)) return next;
  for (let next = 1024; next < port; next += 1) if (!used.has(next)) return next;
  return port;
}

/** Agents that may serve: those whose certificate is good. */
export function live(agents: readonly Agent[]): Agent[] {
  return agents.filter(({ revoked }) => !revoked);
}

/** An edit shows no port: another agent, at which it is free, can be chosen there. */
export const REFUSALS: Refusals = [
  ["the subdomain is reserved", "subdomain"],
  ["subdomains that begin with `agent-`…", "subdomain"],
  ["the subdomain is in use", "subdomain"],
  ["the host name is in use by a …", "subdomain"],
  ["the port is in use by another tunnel of this agent", "port", "agentLabel"],
  ["several agents are enrolled, so `agentLabel` must name one of: …", "agentLabel"],
  ["no agent `…` is enrolled", "agentLabel"],
  ["`restricted` needs grants…", "accessMode"],
];

export function matches(tunnel: Tunnel, filter: string): boolean {
  const wanted = filter.trim().toLowerCase();
  const texts = [tunnel.fqdn, String(tunnel.port), tunnel.agentLabel, tunnel.description];
  return texts.some((text) => text?.toLowerCase().includes(wanted));
}
