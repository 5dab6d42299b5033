import type { OnboardingState } from "@/api/schema";
import type { Refusals } from "@/lib/refusals";

export const STEPS = ["domain", "dns", "set-up", "done"] as const;
export type Step = (typeof STEPS)[number];

/** The page that belongs to what the server has reached. */
export function stepOf({ status }: OnboardingState): Step {
  switch (status) {
    case "FRESH":
      return "domain";
    case "DOMAIN_SET":
    case "DNS_READY":
      return "dns";
    case "PROVISIONING":
      return "set-up";
    case "COMPLETED":
      return "done";
  }
}

/** Whether the set-up is all there is to show: until its end, and while its secrets wait to be read. */
export function isSetUpDue({ status, resultUntil }: OnboardingState): boolean {
  return status !== "COMPLETED" || Boolean(resultUntil);
}

/** What is said against a domain that another window has moved on from. */
export const DOMAIN_REFUSALS: Refusals = [["the domain is fixed once it was seen to lead here", "domain"]];

/** Once the domain was seen to lead here it is fixed. */
export function mayChangeDomain({ status }: OnboardingState): boolean {
  return status === "FRESH" || status === "DOMAIN_SET";
}

/**
 * The panel by its bare address, which works without any domain.
 *
 * @param current the address of this window, taken as it is when it is the bare one
 */
export function bareAddress(current: string, { ip, panelPort }: Pick<OnboardingState, "ip" | "panelPort">): string {
  const host = ip.includes(":") ? `[${ip}]` : ip;
  const here = new URL(current);
  return here.hostname === host ? here.origin : `https://${host}:${panelPort}`;
}
