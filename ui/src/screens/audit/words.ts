import type { AuditedThing } from "@/api/schema";
import { moment } from "@/lib/format";

/** What was done, in words. Actions of a newer server show as they are called. */
const ACTIONS: Record<string, string> = {
  "admin.certificate.forget": "Forgot the unused new admin certificate",
  "admin.certificate.retire": "Retired the old admin certificate",
  "admin.certificate.rotate": "Made a new admin certificate",
  "admin.certificate.upgrade": "Bound the admin certificate to hardware",
  "agent.allowed-sites": "Changed the sites of agent",
  "agent.capabilities": "Changed the rights of agent",
  "agent.create": "Made a certificate for agent",
  "agent.enroll": "Enrolled agent",
  "agent.revoke": "Revoked agent",
  "agent.upgrade": "Renewed the certificate of agent",
  "certificate.renew": "Asked for a new certificate of",
  "enrollment.cancel": "Took back the token for agent",
  "enrollment.create": "Made a token for agent",
  "invitation.accept": "Accepted the invitation of",
  "invitation.create": "Invited",
  "invitation.delete": "Removed the invitation of",
  "onboarding.complete": "Completed the set-up of",
  "onboarding.dns": "Verified the DNS of",
  "onboarding.domain": "Chose the domain",
  "onboarding.provision": "Began the set-up of",
  "site.change": "Changed site",
  "site.create": "Created site",
  "site.delete": "Deleted site",
  "site.files.delete": "Deleted files of site",
  "site.files.upload": "Uploaded files to site",
  "site.verify": "Verified the domain of site",
  "tunnel.change": "Changed tunnel",
  "tunnel.create": "Created tunnel",
  "tunnel.delete": "Deleted tunnel",
  "two_factor.disable": "Turned off the second factor of",
  "two_factor.enable": "Turned on the second factor of",
  "two_factor.make_key": "Made a session key for",
  "two_factor.set_up": "Began to set up the second factor of",
  "user.create": "Added user",
  "user.delete": "Deleted user",
  "user.rehash": "Renewed the password hash of user",
  "user.reset_totp": "Reset the one-time codes of user",
  "user.update": "Changed user",
};

/** The kinds of things that actions are about, for the filter. */
export const KINDS: [action: string, label: string][] = [
  ["tunnel", "Tunnels"],
  ["site", "Sites"],
  ["user", "Users"],
  ["invitation", "Invitations"],
  ["agent", "Agents"],
  ["enrollment", "Enrolment tokens"],
  ["certificate", "Host certificates"],
  ["admin", "Admin certificate"],
  ["two_factor", "Second factor"],
  ["service", "Services"],
  ["onboarding", "Set-up"],
];

export function actionWords(action: string): string {
  const words = ACTIONS[action];
  if (words) return words;
  const service = /^service\.(\w+?)(\.failed)?$/.exec(action);
  if (service) return `${service[2] ? "Failed to" : "Asked to"} ${service[1]}`;
  return action;
}

export function identityWords(identity: string): string {
  const [kind, name] = identity.split(":");
  if (kind === "admin") return "Admin";
  if (identity === "local") return "The server itself";
  if (name && (kind === "agent" || kind === "user")) return `${kind === "agent" ? "Agent" : "User"} ${name}`;
  return identity;
}

/** Members whose name in the API says little to a person. */
const MEMBERS: Record<string, string> = {
  agentLabel: "agent",
  allowCrossSite: "changes from other websites",
  autheliaProtected: "sign-in needed",
  certIssued: "certificate issued",
  displayname: "name",
  dnsVerified: "DNS verified",
  fqdn: "address",
  hostHeader: "host name told to the service",
  originScheme: "service speaks",
  originTlsVerify: "service’s certificate checked",
  spaMode: "single-page application",
  totalSize: "size in bytes",
};

export function memberWords(member: string): string {
  return MEMBERS[member] ?? member.replace(/_/g, " ").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** A value as text; what is empty says so. */
export function valueWords(value: unknown): string {
  if (value === null || value === undefined || value === "") return "none";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return TIME.test(value) ? moment(value) : value;
  if (typeof value === "number") return value.toLocaleString();
  if (Array.isArray(value)) return value.length > 0 ? value.map(valueWords).join(", ") : "none";
  return JSON.stringify(value);
}

export interface Change {
  member: string;
  /** Absent where the thing is new. */
  before?: string;
  /** Absent where the thing is gone. */
  after?: string;
}

/** What is different afterwards; for something made or removed, all that is known of it. */
export function changes(before: AuditedThing | null | undefined, after: AuditedThing | null | undefined): Change[] {
  if (before && after) {
    const members = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return members
      .filter((member) => JSON.stringify(before[member]) !== JSON.stringify(after[member]))
      .map((member) => ({ member, before: valueWords(before[member]), after: valueWords(after[member]) }));
  }
  if (after) return Object.entries(after).map(([member, value]) => ({ member, after: valueWords(value) }));
  return Object.entries(before ?? {}).map(([member, value]) => ({ member, before: valueWords(value) }));
}
