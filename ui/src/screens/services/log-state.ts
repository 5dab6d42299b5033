import type { LogFrame, LogLevel } from "@/api/schema";

/**
 * What a view of a log holds, as a pure state machine: lines come in, go past a pause, and the
 * oldest leave. A stream that was lost begins again with lines that are here already; those are
 * skipped, and a mark stands where the connection was away.
 */

/** Lines that are kept, and again as many while the view is paused. */
export const KEPT_LINES = 1000;
/** With so many lines of the past a stream begins. */
export const BACKFILL_LINES = 100;
/** A stream that held for so long was a good one: the next try comes soon. */
const STEADY_MS = 10_000;
const RETRY_MS = [1000, 2000, 4000, 8000, 16_000, 30_000];

export type LogEntry =
  | { id: number; kind: "line"; timestamp: string; level: LogLevel; message: string }
  /** So many lines are missing here, by the server's account or by our own. */
  | { id: number; kind: "dropped"; count: number }
  /** The connection was lost here; `missing` when lines of that time may be, too. */
  | { id: number; kind: "reconnected"; missing: boolean };

type NewEntry = LogEntry extends infer Entry ? (Entry extends LogEntry ? Omit<Entry, "id"> : never) : never;

export interface LogState {
  entries: LogEntry[];
  paused: boolean;
  /** What came since the pause. */
  waiting: LogEntry[];
  /** What came since the pause and left again, as too much came. */
  lost: number;
  stream: "connecting" | "open" | "lost";
  /** Milliseconds of the epoch; when the lost stream is tried again. */
  retryAt: number;
  /** Tries in a row that led to no steady stream. */
  failures: number;
  nextId: number;
  /** The last lines that came, by content; a stream that begins again repeats them. */
  tail: string[];
  /** While a stream that began again repeats: what it may repeat. */
  repeats: Repeats | null;
}

interface Repeats {
  known: string[];
  /** Whether a line that was known has come, so that nothing is missing. */
  met: boolean;
}

export type LogAction =
  | { type: "opened" }
  | { type: "frames"; frames: LogFrame[] }
  | { type: "ended"; now: number; lasted: number }
  | { type: "retry" }
  | { type: "pause" }
  | { type: "resume" }
  | { type: "clear" };

export const EMPTY_LOG: LogState = {
  entries: [],
  paused: false,
  waiting: [],
  lost: 0,
  stream: "connecting",
  retryAt: 0,
  failures: 0,
  nextId: 1,
  tail: [],
  repeats: null,
};

export function logReducer(state: LogState, action: LogAction): LogState {
  switch (action.type) {
    case "opened":
      return { ...state, stream: "open", repeats: state.tail.length > 0 ? { known: state.tail, met: false } : null };
    case "frames":
      return action.frames.reduce(take, state);
    case "ended": {
      const failures = action.lasted >= STEADY_MS ? 0 : state.failures + 1;
      return { ...state, stream: "lost", failures, retryAt: action.now + retryDelay(failures) };
    }
    case "retry":
      return { ...state, stream: "connecting" };
    case "pause":
      return { ...state, paused: true };
    case "resume":
      return resume(state);
    case "clear":
      return { ...state, entries: [], waiting: [], lost: 0 };
  }
}

/** Milliseconds until the next try after so many that failed. */
export function retryDelay(failures: number): number {
  return RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 0;
}

function take(state: LogState, frame: LogFrame): LogState {
  if (frame.dropped) return add(state, { kind: "dropped", count: frame.dropped });
  const key = `${frame.timestamp} ${frame.message}`;
  const { repeats } = state;
  if (repeats) {
    const at = repeats.known.indexOf(key);
    if (at >= 0) return { ...state, repeats: { known: repeats.known.slice(at + 1), met: true } };
    state = add({ ...state, repeats: null }, { kind: "reconnected", missing: !repeats.met });
  }
  const { timestamp, level, message } = frame;
  const tail = [...state.tail.slice(1 - BACKFILL_LINES), key];
  return add({ ...state, tail }, { kind: "line", timestamp, level: level ?? "info", message });
}

function add(state: LogState, entry: NewEntry): LogState {
  const added = { ...entry, id: state.nextId };
  const nextId = state.nextId + 1;
  if (!state.paused) return { ...state, nextId, entries: [...state.entries, added].slice(-KEPT_LINES) };
  const full = state.waiting.length >= KEPT_LINES;
  return {
    ...state,
    nextId,
    waiting: [...(full ? state.waiting.slice(1) : state.waiting), added],
    lost: state.lost + (full ? 1 : 0),
  };
}

function resume(state: LogState): LogState {
  const gap: LogEntry[] = state.lost > 0 ? [{ id: state.nextId, kind: "dropped", count: state.lost }] : [];
  const entries = [...state.entries, ...gap, ...state.waiting].slice(-KEPT_LINES);
  return { ...state, paused: false, entries, waiting: [], lost: 0, nextId: state.nextId + gap.length };
}
