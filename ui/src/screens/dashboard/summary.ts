import type { Agent, Certificate, Service, ServiceStatus, Tunnel } from "@/api/schema";
import type { Tone } from "@/components/badge";
import { daysUntil } from "@/lib/format";
import { isDown } from "@/screens/tunnels/status";

/** What of the server's answers deserves a look. Pure: "now" is an argument. */

const WORST_FIRST: ServiceStatus[] = ["failed", "inactive", "unknown", "active"];

export function byHealth(services: readonly Service[]): Service[] {
  return services.toSorted((a, b) => WORST_FIRST.indexOf(a.status) - WORST_FIRST.indexOf(b.status));
}

export function countTunnels(tunnels: readonly Tunnel[]) {
  const down = tunnels.filter(isDown).toSorted((a, b) => time(b.statusSince) - time(a.statusSince));
  const serving = tunnels.filter(({ status }) => status === "serving").length;
  return { serving, down, off: tunnels.filter(({ enabled }) => !enabled).length };
}

function time(at: string | null | undefined): number {
  return at ? Date.parse(at) : 0;
}

/** Something that ends, and how soon. */
export interface Ending {
  key: string;
  name: string;
  /** Whole days; absent when there is no certificate yet. */
  days: number | undefined;
  /** What went wrong with the next one. */
  problem?: string;
}

/** Days from which on an end is worth a word, and from which on it is urgent. */
const SOON = 30;
const URGENT = 7;

/** Certificates that end soon, of hosts that get none, and of agents; the first to end first. */
export function endings(certificates: readonly Certificate[], agents: readonly Agent[], now: number): Ending[] {
  const all = [
    ...certificates.filter(needsLook).map((certificate) => ofCertificate(certificate, now)),
    ...agents.filter(({ revoked }) => !revoked).map((agent) => ofAgent(agent, now)),
  ];
  return all
    .filter(({ days, problem }) => problem !== undefined || (days !== undefined && days <= SOON))
    .toSorted((a, b) => (a.days ?? -Infinity) - (b.days ?? -Infinity));
}

/** The server's own authority renews what it issues for hosts long before anybody could care. */
function needsLook({ type, status }: Certificate): boolean {
  return type !== "internal" || (status !== "good" && status != null);
}

function ofCertificate({ type, domain, expiresAt, path, failure, status }: Certificate, now: number): Ending {
  const names = { "mtls-ca": "The server’s own authority", "mtls-client": "Your admin certificate" };
  const name = type === "mtls-ca" || type === "mtls-client" ? names[type] : (domain ?? path);
  const waiting = status === "pending" ? "no certificate yet" : undefined;
  const problem = failure?.message ?? waiting;
  return { key: path + name, name, days: expiresAt ? daysUntil(expiresAt, now) : undefined, ...(problem && { problem }) };
}

function ofAgent({ serial, label, expiresAt }: Agent, now: number): Ending {
  return { key: serial, name: `Agent ${label}`, days: daysUntil(expiresAt, now) };
}

export function endTone({ days, problem }: Ending): Tone {
  if (days === undefined) return "warn";
  if (days <= URGENT) return "bad";
  return problem || days <= SOON ? "warn" : "neutral";
}

export function endWords({ days }: Ending): string {
  if (days === undefined) return "None yet";
  if (days < 0) return "Ended";
  return days === 1 ? "1 day left" : `${days} days left`;
}
