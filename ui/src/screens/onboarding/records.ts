import type { DnsCheck } from "@/api/schema";

export interface DnsRecord {
  type: "A" | "AAAA";
  name: string;
  value: string;
  /** Whom it leads here. */
  purpose: string;
  found: "yes" | "no" | "unknown";
}

/** The records to create, and whether the last look found them. */
export function records(domain: string, ip: string, check?: DnsCheck): DnsRecord[] {
  const type = ip.includes(":") ? "AAAA" : "A";
  const found = (ok?: boolean) => (ok === undefined ? "unknown" : ok ? "yes" : "no");
  return [
    { type, name: domain, value: ip, purpose: "The domain itself", found: found(check?.ok) },
    { type, name: `*.${domain}`, value: ip, purpose: "Panel, sign-in and every app", found: found(check?.wildcardOk) },
  ];
}

/**
 * Whether the set-up can succeed: the domain and the three names of Portlama lead here. Names of
 * apps may follow later, each with a record of its own.
 */
export function mayGoOn(check: DnsCheck | undefined): boolean {
  return check !== undefined && check.ok && check.names.every(({ ok }) => ok);
}

/** Whether looking again could find anything better. */
export function isAllWell(check: DnsCheck | undefined): boolean {
  return mayGoOn(check) && check?.wildcardOk === true;
}
