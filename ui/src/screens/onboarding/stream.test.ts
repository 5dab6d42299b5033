import { expect, test } from "vitest";

import { readFrame, type Frame } from "./frames";
import { follow, START, wait, type Stream } from "./stream";

const progress = { current: 1, total: 6 };
const task = (id: string, status: string, message: string | null = null) => ({ id, title: id, status, message, log: message });

const state = (more: object = {}) => ({
  type: "state",
  isRunning: true,
  tasks: [task("hub", "done"), task("certs", "running"), task("finalize", "pending")],
  error: null,
  result: null,
  ...more,
});
const went = (id: string, status: string, message = "at it") => ({ task: id, title: id, status, message, log: "a\n", progress });
const failed = (id: string, error: string) => ({ task: id, status: "error", message: `${id}: failed`, error, progress });
const complete = {
  task: "complete",
  status: "done",
  message: "The server is in service",
  result: { adminUsername: "admin", adminPassword: "pw", adminTotpUri: null, panelUrl: "https://p", authUrl: "https://a" },
  progress,
};

function frame(value: object): Frame {
  const read = readFrame(JSON.stringify(value));
  if (!read) throw new Error("not read");
  return read;
}

const after = (...frames: object[]): Stream =>
  frames.reduce<Stream>((stream, each) => follow(stream, { kind: "frame", frame: frame(each) }), START);

const statuses = (stream: Stream) => stream.tasks.map(({ status }) => status);

test.each([
  [state(), "state"],
  [went("certs", "running"), "progress"],
  [failed("certs", "no"), "failed"],
  [complete, "complete"],
])("each frame is known by what only it has", (value, kind) => expect(frame(value).kind).toBe(kind));

test.each(["", "{", "null", "[]", "7", '{"type":"state"}', '{"task":"certs","status":"soon","title":"x"}'])(
  "%j is no frame",
  (text) => expect(readFrame(text)).toBeNull(),
);

test("no secret of the last frame is kept", () => {
  expect(JSON.stringify(after(state({ result: complete.result }), complete))).not.toContain("pw");
});

test("the first frame says where things stand", () => {
  const stream = after(state());
  expect([stream.link, stream.isRunning, statuses(stream)]).toEqual(["open", true, ["done", "running", "pending"]]);
});

test("a task that goes on takes its place in the list", () => {
  const stream = after(state(), went("certs", "done"), went("finalize", "running", "nearly"));
  expect(statuses(stream)).toEqual(["done", "done", "running"]);
  expect(stream.tasks[2]?.message).toBe("nearly");
});

test("a task that nobody announced is shown as well", () => {
  expect(after(state(), went("extra", "running")).tasks.map(({ id }) => id)).toEqual(["hub", "certs", "finalize", "extra"]);
});

test("a failure keeps the authority's words and ends the run", () => {
  const stream = after(state(), failed("certs", "panel: too many certificates already issued"));
  expect(stream.isRunning).toBe(false);
  expect(stream.failure).toEqual({ task: "certs", reason: "panel: too many certificates already issued" });
  expect(statuses(stream)).toEqual(["done", "error", "pending"]);
});

test("another run keeps what is done and forgets the failure", () => {
  const stream = follow(after(state(), failed("certs", "no")), { kind: "asked" });
  expect([stream.isRunning, stream.failure, statuses(stream)]).toEqual([true, null, ["done", "pending", "pending"]]);
});

test("a run that another window began is seen", () => {
  const stream = after(state(), failed("certs", "no"), went("certs", "running"));
  expect([stream.isRunning, stream.failure, statuses(stream)]).toEqual([true, null, ["done", "running", "pending"]]);
});

test("after a reload the last failure is there", () => {
  const stream = after(state({ isRunning: false, error: { task: "certs", message: "no" } }));
  expect(stream.failure).toEqual({ task: "certs", reason: "no" });
});

test.each([[complete], [state({ isRunning: false, result: complete.result })]])("the end is told in two ways", (last) => {
  const stream = after(state(), last);
  expect([stream.isComplete, stream.isRunning]).toEqual([true, false]);
});

test("a lost connection takes nothing away, and the next frame mends it", () => {
  const lost = follow(after(state()), { kind: "ended" });
  expect([lost.link, lost.lostInARow, statuses(lost)]).toEqual(["lost", 1, ["done", "running", "pending"]]);
  const again = follow(lost, { kind: "frame", frame: frame(state()) });
  expect([again.link, again.lostInARow]).toEqual(["open", 0]);
});

test("a connection that never was is still being made", () => {
  expect(follow(START, { kind: "ended" }).link).toBe("connecting");
});

test("waits double up to ten seconds, and a half of each is by chance", () => {
  expect([1, 2, 3, 4].map((count) => wait(count, 1))).toEqual([500, 1000, 2000, 4000]);
  expect(wait(1, 0)).toBe(250);
  expect(wait(1000, 1)).toBe(10_000);
});
