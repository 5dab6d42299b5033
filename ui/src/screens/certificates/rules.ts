import type { Agent, Capability, Certificate, CertificateStatus } from "@/api/schema";
import type { Tone } from "@/components/badge";
import { daysUntil } from "@/lib/format";
import type { Refusals } from "@/lib/refusals";
import { CAPABILITIES } from "@/screens/agents/rules";

/** How certificates and agents are told of. Pure: "now" is an argument. */

/** Days left from which on an end is worth a look, and from which on it is urgent. */
const SOON = 30;
const URGENT = 7;

export interface State {
  word: string;
  tone: Tone;
}

/** How long something still holds: `64 days left`. */
export function lifetime(expiresAt: string, now: number): State {
  const days = daysUntil(expiresAt, now);
  if (days < 0) return { word: "Ended", tone: "bad" };
  const word = days === 0 ? "Ends today" : days === 1 ? "1 day left" : `${days.toLocaleString()} days left`;
  return { word, tone: days <= URGENT ? "bad" : days <= SOON ? "warn" : "good" };
}

/** The certificates of hosts; those that need a look first, then the first to end first. */
export function hostCertificates(certificates: readonly Certificate[]): Certificate[] {
  const hosts = certificates.filter(({ type }) => type === "letsencrypt" || type === "internal");
  return hosts.toSorted((a, b) => Number(isWell(a)) - Number(isWell(b)) || end(a) - end(b));
}

function isWell({ status }: Certificate): boolean {
  return status === "good" || status == null;
}

function end({ expiresAt }: Certificate): number {
  return expiresAt ? Date.parse(expiresAt) : -Infinity;
}

export const HOST_STATES: Record<CertificateStatus, State> = {
  good: { word: "In order", tone: "good" },
  pending: { word: "No certificate yet", tone: "warn" },
  failing: { word: "Renewal fails", tone: "warn" },
  expired: { word: "Ended", tone: "bad" },
};

export function issuer({ type }: Certificate): string {
  return type === "internal" ? "This server’s own authority" : "Public authority";
}

/** How an agent's certificate is doing; whether it is connected is another matter. */
export function agentState(agent: Agent, now: number): State {
  if (agent.revoked) return { word: "Revoked", tone: "neutral" };
  const left = lifetime(agent.expiresAt, now);
  return left.tone === "good" ? { word: "Active", tone: "good" } : left;
}

/** Live agents by name, then the revoked, the last first. */
export function inOrder(agents: readonly Agent[]): { live: Agent[]; revoked: Agent[] } {
  return {
    live: agents.filter(({ revoked }) => !revoked).toSorted((a, b) => a.label.localeCompare(b.label)),
    revoked: agents
      .filter(({ revoked }) => revoked)
      .toSorted((a, b) => (b.revokedAt ?? "").localeCompare(a.revokedAt ?? "")),
  };
}

/** What is to be stored: what was chosen of the form, and what the form does not offer but the agent has. */
export function chosenCapabilities(chosen: readonly Capability[], had: readonly Capability[]): Capability[] {
  const offered = new Set(CAPABILITIES.map(({ name }) => name));
  const kept = had.filter((name) => !offered.has(name) && name !== "tunnels:read");
  return ["tunnels:read", ...chosen.filter((name) => offered.has(name)), ...kept];
}

export function sameMembers(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}

/** A serial short enough for a row; the rest is for whoever points at it. */
export function shortSerial(serial: string): string {
  return serial.length > 16 ? `${serial.slice(0, 8)}…${serial.slice(-4)}` : serial;
}

/** The octets of a base64 text. */
export function octets(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** Whatever is wrong with a certificate request is wrong with the one field that holds it. */
export const CSR_REFUSALS: Refusals = [
  ["the certificate request …", "csr"],
  ["the text holds …", "csr"],
  ["the signature of the certificate request …", "csr"],
  ["the key of this certificate request was revoked, make a new key", "csr"],
  ["the key must be …", "csr"],
  ["an RSA key must have …", "csr"],
  ["the exponent of an RSA key …", "csr"],
  ["the public key is malformed", "csr"],
];

export function csrProblem(csr: string): true | string {
  if (csr.trim() === "") return "Paste a certificate request, or choose its file.";
  if (/PRIVATE KEY/.test(csr)) return "This holds a private key. It must never leave your machine; give only the request.";
  return /-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(csr) || "This is no certificate request in PEM: it begins with -----BEGIN CERTIFICATE REQUEST-----.";
}
