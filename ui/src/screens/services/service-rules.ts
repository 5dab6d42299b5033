import type { Service, ServiceAction, ServiceStatus } from "@/api/schema";
import type { Tone } from "@/components/badge";

/** What each service does, for somebody who never met it. */
const PURPOSES: Record<string, string> = {
  edge: "Takes visitors in, shows this panel, passes requests on",
  portal: "Signs your users in",
  tunnel: "Holds the connections of your agents",
  acme: "Gets the certificates of your host names",
  "portlama-panel": "The whole server program, with every part above",
  ssh: "Remote login to this machine",
  fail2ban: "Shuts out addresses that guess passwords",
  "systemd-timesyncd": "Keeps this machine’s clock right",
};

export function purpose({ name }: Service): string | undefined {
  return PURPOSES[name];
}

export const STATES: Record<ServiceStatus, { word: string; tone: Tone }> = {
  active: { word: "Running", tone: "good" },
  inactive: { word: "Not running", tone: "neutral" },
  failed: { word: "Failed", tone: "bad" },
  unknown: { word: "Unknown", tone: "warn" },
};

export const VERBS: Record<ServiceAction, { verb: string; done: string }> = {
  start: { verb: "Start", done: "was started" },
  stop: { verb: "Stop", done: "was stopped" },
  restart: { verb: "Restart", done: "was restarted" },
  reload: { verb: "Reload", done: "was reloaded" },
};

/** Of what a service can be told, what makes sense as it is now. */
export function sensible({ status, actions = [] }: Service): ServiceAction[] {
  const idle: ServiceAction[] = ["start"];
  const running: ServiceAction[] = ["reload", "restart", "stop"];
  const fitting = status === "active" ? running : status === "unknown" ? [...idle, ...running] : idle;
  // What can't be started may still be reloaded, such as the part that waits for an authority.
  const offered = fitting.filter((action) => actions.includes(action));
  return offered.length > 0 ? offered : actions;
}

const STOPPED: Record<string, string> = {
  fail2ban: "Addresses that guess passwords are no longer shut out.",
  "systemd-timesyncd": "The clock may drift. One-time codes and certificates need it to be right.",
};

/** What a person must know before they do it; undefined where nothing is lost. */
export function consequence({ name }: Service, action: ServiceAction): string | undefined {
  if (action === "stop") return `${STOPPED[name] ?? "What it does ends at once."} It stays stopped until it is started or the machine starts anew.`;
  if (action !== "restart") return undefined;
  if (name === "portlama-panel") {
    return "This panel, every tunnel and site, and signing in are away for a few seconds. Agents connect again by themselves.";
  }
  return undefined;
}
