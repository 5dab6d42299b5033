import type { LogLevel } from "@/api/schema";

import type { LogEntry } from "./log-state";

const WEIGHT: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

export interface LogFilter {
  /** Searched for, whatever its case. */
  text: string;
  /** Lines without the text are hidden, not only unmarked. */
  matchesOnly: boolean;
  /** What matters less is hidden. */
  level: LogLevel;
}

/** The entries that a filter leaves. Marks stay: a gap is a gap whatever is looked for. */
export function visible(entries: LogEntry[], { text, matchesOnly, level }: LogFilter): LogEntry[] {
  const wanted = matchesOnly ? text.trim().toLowerCase() : "";
  if (wanted === "" && level === "debug") return entries;
  return entries.filter(
    (entry) =>
      entry.kind !== "line" ||
      (WEIGHT[entry.level] >= WEIGHT[level] && entry.message.toLowerCase().includes(wanted)),
  );
}

/** How many lines hold the text. */
export function matches(entries: LogEntry[], text: string): number {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return 0;
  return entries.filter((entry) => entry.kind === "line" && entry.message.toLowerCase().includes(wanted)).length;
}

/** A message cut where the text begins and ends: every second piece is a match. */
export function pieces(message: string, text: string): string[] {
  const wanted = text.trim();
  if (wanted === "") return [message];
  const escaped = wanted.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return message.split(new RegExp(`(${escaped})`, "gi"));
}

/** The entries as a text file. */
export function asText(entries: LogEntry[]): string {
  return entries.map((entry) => `${line(entry)}\n`).join("");
}

function line(entry: LogEntry): string {
  if (entry.kind !== "line") return `--- ${markText(entry)} ---`;
  return [entry.timestamp, entry.level.toUpperCase().padEnd(5), entry.message].filter(Boolean).join(" ");
}

/** What a mark says. */
export function markText(entry: Exclude<LogEntry, { kind: "line" }>): string {
  if (entry.kind === "dropped") {
    return entry.count === 1 ? "1 line was dropped here" : `${entry.count.toLocaleString()} lines were dropped here`;
  }
  return entry.missing ? "The connection was lost here; lines may be missing" : "The connection was lost here; no line is missing";
}
