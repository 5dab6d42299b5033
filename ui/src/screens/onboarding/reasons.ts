/** Why a task failed, and which further names it failed for in the same words. */
export interface Reason {
  reason: string;
  sameFor: string[];
}

/**
 * The reasons of a failure, each once. The server tells those of several hosts as
 * `host: reason; host: reason`, and an authority mostly says the same of all of them.
 */
export function reasonsOf(text: string): Reason[] {
  const found = new Map<string, Reason>();
  for (const part of text.split(/; (?=[a-z0-9-]+(?:\.[a-z0-9-]+)+: )/)) {
    const [, host, reason] = /^([a-z0-9-]+(?:\.[a-z0-9-]+)+): (.+)$/s.exec(part) ?? [];
    if (!host || !reason) {
      found.set(part, { reason: part, sameFor: [] });
      continue;
    }
    // Nothing but the host's own name sets the reasons of two hosts apart.
    const key = reason.replaceAll(host, "");
    const same = found.get(key);
    if (same) same.sameFor.push(host);
    else found.set(key, { reason: reason.includes(host) ? reason : part, sameFor: [] });
  }
  return [...found.values()];
}
