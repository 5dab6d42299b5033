/** How the server answers: well, not at all, or only to whoever types a one-time code first. */
export type Connection = "open" | "lost" | "code-needed";

let state: Connection = "open";
const listeners = new Set<() => void>();

export const connection = {
  current: () => state,
  subscribe(listener: () => void) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  report(next: Connection) {
    if (next === state) return;
    state = next;
    for (const listener of listeners) listener();
  },
};
