import { expect, test } from "vitest";

import type { LogFrame } from "@/api/schema";

import { asText, matches, pieces, visible } from "./log-filter";
import { parseFrame } from "./log-frame";
import { BACKFILL_LINES, EMPTY_LOG, KEPT_LINES, logReducer, retryDelay, type LogAction, type LogState } from "./log-state";

const frame = (number: number): LogFrame => ({ timestamp: `t${number}`, message: `line ${number}` });
const frames = (from: number, to: number): LogAction => ({
  type: "frames",
  frames: Array.from({ length: to - from + 1 }, (_, index) => frame(from + index)),
});
const after = (...actions: LogAction[]): LogState => actions.reduce(logReducer, EMPTY_LOG);
const opened: LogAction = { type: "opened" };
const ended: LogAction = { type: "ended", now: 0, lasted: 60_000 };

/** The log in short: numbers of lines, `-n` for dropped lines, `~` for a reconnection, `~?` with a gap. */
const short = ({ entries }: LogState) =>
  entries.map((entry) => {
    if (entry.kind === "line") return entry.message.replace("line ", "");
    if (entry.kind === "dropped") return `-${entry.count}`;
    return entry.missing ? "~?" : "~";
  });

test("the last thousand lines are kept, each with an id of its own", () => {
  const state = after(opened, frames(1, KEPT_LINES + 5));
  expect(state.entries).toHaveLength(KEPT_LINES);
  expect(short(state)[0]).toBe("6");
  expect(new Set(state.entries.map(({ id }) => id)).size).toBe(KEPT_LINES);
});

test("a pause holds lines back, and going on shows them in order", () => {
  const paused = after(opened, frames(1, 2), { type: "pause" }, frames(3, 5));
  expect(short(paused)).toEqual(["1", "2"]);
  expect(paused.waiting).toHaveLength(3);
  expect(short(logReducer(paused, { type: "resume" }))).toEqual(["1", "2", "3", "4", "5"]);
});

test("a long pause says how many lines it cost", () => {
  const state = after(opened, frames(1, 1), { type: "pause" }, frames(2, KEPT_LINES + 8));
  expect([state.waiting.length, state.lost]).toEqual([KEPT_LINES, 7]);
  const resumed = logReducer(state, { type: "resume" });
  expect(resumed.entries).toHaveLength(KEPT_LINES);
  expect([resumed.waiting.length, resumed.lost, short(resumed).at(-1)]).toEqual([0, 0, String(KEPT_LINES + 8)]);
});

test("lines that the server dropped leave a mark", () => {
  const state = after(opened, { type: "frames", frames: [frame(1), { timestamp: "t1", message: "…", dropped: 12 }, frame(2)] });
  expect(short(state)).toEqual(["1", "-12", "2"]);
});

test("a stream that begins again repeats nothing and marks where it was away", () => {
  const state = after(opened, frames(1, 4), ended, { type: "retry" }, opened, frames(2, 4), frames(5, 6));
  expect(short(state)).toEqual(["1", "2", "3", "4", "~", "5", "6"]);
});

test("a stream that begins again later than the old one ended says that lines may be missing", () => {
  const state = after(opened, frames(1, 2), ended, opened, frames(150, 151));
  expect(short(state)).toEqual(["1", "2", "~?", "150", "151"]);
});

test("a stream that begins again without news leaves the log as it is", () => {
  expect(short(after(opened, frames(1, 3), ended, opened, frames(1, 3)))).toEqual(["1", "2", "3"]);
});

test("equal lines are told apart by how often they come", () => {
  const twice: LogAction = { type: "frames", frames: [frame(1), frame(1)] };
  const thrice: LogAction = { type: "frames", frames: [frame(1), frame(1), frame(1)] };
  expect(short(after(opened, twice, ended, opened, thrice))).toEqual(["1", "1", "~", "1"]);
});

test("what was cleared does not come back with the next stream", () => {
  const state = after(opened, frames(1, BACKFILL_LINES + 20), { type: "clear" }, ended, opened, frames(21, BACKFILL_LINES + 21));
  expect(short(state)).toEqual(["~", String(BACKFILL_LINES + 21)]);
});

test("clearing forgets what waits, and the pause goes on", () => {
  const state = after(opened, frames(1, 2), { type: "pause" }, frames(3, 4), { type: "clear" });
  expect([state.entries, state.waiting, state.lost, state.paused]).toEqual([[], [], 0, true]);
});

test("tries become rarer until a stream held", () => {
  expect([0, 1, 2, 5, 50].map(retryDelay)).toEqual([1000, 2000, 4000, 30_000, 30_000]);
  const failed = after({ type: "ended", now: 500, lasted: 20 }, { type: "retry" }, { type: "ended", now: 9000, lasted: 20 });
  expect([failed.stream, failed.retryAt]).toEqual(["lost", 13_000]);
  expect(logReducer(failed, { type: "ended", now: 0, lasted: 10_000 }).retryAt).toBe(1000);
});

const mixed = after(opened, {
  type: "frames",
  frames: [
    { timestamp: "t1", message: "Connected (a+b)", level: "debug" },
    { timestamp: "", message: "slow", level: "warn" },
    { timestamp: "t3", message: "…", dropped: 3 },
    { timestamp: "t4", message: "no level" },
  ],
}).entries;

test("a level hides what matters less; a line without one counts as information; marks stay", () => {
  const shown = (level: "info" | "error") => visible(mixed, { text: "", matchesOnly: true, level }).map(({ id }) => id);
  expect([shown("info"), shown("error")]).toEqual([[2, 3, 4], [3]]);
});

test("a search hides other lines only when asked to, whatever the case", () => {
  const count = (matchesOnly: boolean) => visible(mixed, { text: " CONNECTED ", matchesOnly, level: "debug" }).length;
  expect([count(true), count(false), matches(mixed, "connected"), matches(mixed, "")]).toEqual([2, 4, 1, 0]);
});

test("what is searched for is found as it stands", () => {
  expect(pieces("Connected (a+b)", "(A+B)")).toEqual(["Connected ", "(a+b)", ""]);
  expect(pieces("abc", " ")).toEqual(["abc"]);
});

test("the file holds time, level, message and marks", () => {
  expect(asText(mixed)).toBe("t1 DEBUG Connected (a+b)\nWARN  slow\n--- 3 lines were dropped here ---\nt4 INFO  no level\n");
});

test("text that is no frame is none", () => {
  expect(parseFrame('{"timestamp":"","message":"x","level":"error","more":1}')).toEqual({ timestamp: "", message: "x", level: "error" });
  expect(["", "[]", '{"message":1,"timestamp":""}', '{"message":"","timestamp":"","level":"loud"}'].map(parseFrame)).toEqual([null, null, null, null]);
});
