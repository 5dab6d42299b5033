import { Unreachable } from "@/platform/platform";

import { isCertificateRefused, needsCode } from "./error";

/**
 * How the server answers: well, not at all, only to whoever types a one-time code first, or not to
 * this browser's certificate.
 */
export type Connection = "open" | "lost" | "code-needed" | "refused";

let state: Connection = "open";
const listeners = new Set<() => void>();

export const connection = {
  current: () => state,
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  /** Notes that the server told something. */
  answered() {
    // That a session is good again only the banner's own question tells: some routes need none.
    if (state === "lost") connection.report("open");
  },
  /** Takes from a failure what it says of the connection; most say nothing. */
  hear(error: unknown) {
    const next = connectionOf(error);
    if (next) connection.report(next);
  },
  report(next: Connection) {
    if (next === state) return;
    state = next;
    for (const listener of listeners) listener();
  },
};

/** What a failure says of the connection, which is then told once for the whole window. */
export function connectionOf(error: unknown): Exclude<Connection, "open"> | undefined {
  if (error instanceof Unreachable) return "lost";
  if (needsCode(error)) return "code-needed";
  return isCertificateRefused(error) ? "refused" : undefined;
}
