import type { Tone } from "@/components/badge";
import type { Site } from "@/api/schema";
import type { Refusals } from "@/lib/refusals";

/** What stands between a site and its visitors, in a word and a sentence. */
export function siteStatus(site: Pick<Site, "type" | "dnsVerified" | "certIssued" | "fqdn">): {
  word: string;
  tone: Tone;
  meaning: string;
} {
  if (!site.dnsVerified) {
    return { word: "DNS pending", tone: "warn", meaning: `${site.fqdn} was not seen to lead to this server yet.` };
  }
  if (!site.certIssued) {
    return {
      word: "Setup required",
      tone: "warn",
      meaning: `${site.fqdn} has no certificate yet. The server goes on asking for one; Certificates says why it is late.`,
    };
  }
  return { word: "Live", tone: "good", meaning: `Visitors reach it at ${site.fqdn}.` };
}

/** What the server will say against a site's name, said before it is sent. */
export function siteNameProblem(name: string, managed: boolean): true | string {
  if (name === "") return "Enter a name.";
  if (!/^[a-z0-9-]+$/.test(name)) return "Only small letters, digits and hyphens.";
  if (name.startsWith("-") || name.endsWith("-")) return "Begin and end with a letter or a digit.";
  const most = managed ? 63 : 100;
  return name.length <= most || `${most} characters at most.`;
}

/** A site below the server's domain shows no field for a domain of its own: there, the name is it. */
export const REFUSALS: Refusals = [
  ["`customDomain` is required for a site of the type `custom`", "customDomain"],
  ["the name is in use by another site", "name"],
  ["the subdomain is reserved", "customDomain", "name"],
  ["subdomains that begin with `agent-`…", "customDomain", "name"],
  ["the host name is in use by a …", "customDomain", "name"],
];

/** A host name is judged by the server; this only finds what is surely none. */
export function customDomainProblem(domain: string): true | string {
  if (domain === "") return "Enter the name.";
  if (/[/:\s]/.test(domain)) return "Enter the name alone, such as www.example.com, without https://.";
  return domain.includes(".") || "Enter a whole name with a dot, such as www.example.com.";
}

/**
 * Where a file of a live site is seen.
 *
 * @param site the site's own address
 */
export function fileAddress(site: string, relativePath: string): string {
  return `${site}/${relativePath.split("/").map(encodeURIComponent).join("/")}`;
}

/** The folders on the way to `path`, each with the path that opens it; none for the root. */
export function crumbs(path: string): { name: string; path: string }[] {
  if (path === ".") return [];
  const names = path.split("/");
  return names.map((name, index) => ({ name, path: names.slice(0, index + 1).join("/") }));
}

export function matches(site: Site, filter: string): boolean {
  const wanted = filter.trim().toLowerCase();
  return site.name.includes(wanted) || site.fqdn.includes(wanted);
}
