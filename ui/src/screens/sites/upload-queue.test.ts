import { expect, test } from "vitest";

import { Unreachable, type ApiAnswer } from "@/platform/platform";

import { MAX_FILE_BYTES, UploadQueue } from "./upload-queue";
import { summary, type UploadItem } from "./upload-view";

interface Request {
  folder: string;
  names: string[];
  progress: (share: number) => void;
  answer: (status: number, body?: unknown, retryAfter?: number) => Promise<void>;
  lose: () => Promise<void>;
}

/** A queue whose server and clock are the test. */
function stage() {
  const requests: Request[] = [];
  const clock = { now: 0, sleepers: [] as { until: number; wake: () => void }[] };
  const queue = new UploadQueue(
    (folder, files, progress, signal) =>
      new Promise<ApiAnswer>((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        requests.push({
          folder,
          names: files.map(({ name }) => name),
          progress,
          answer: (status, body = {}, retryAfter) => settle(() => resolve({ status, body, retryAfter })),
          lose: () => settle(() => reject(new Unreachable())),
        });
      }),
    (milliseconds) => new Promise((wake) => clock.sleepers.push({ until: clock.now + milliseconds, wake })),
    () => clock.now,
  );
  const pass = async (milliseconds: number) => {
    const end = clock.now + milliseconds;
    for (;;) {
      const next = clock.sleepers.filter(({ until }) => until <= end).sort((a, b) => a.until - b.until)[0];
      if (!next) break;
      clock.sleepers.splice(clock.sleepers.indexOf(next), 1);
      clock.now = next.until;
      await settle(next.wake);
    }
    clock.now = end;
  };
  const states = () => Object.fromEntries(queue.view().items.map(({ name, state }) => [name, state]));
  const item = (name: string) => queue.view().items.find((each) => each.name === name) as UploadItem;
  return { queue, requests, pass, states, item };
}

/** Does it, and lets all promises that hang on it run. */
async function settle(deed: () => void) {
  deed();
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

const file = (name: string, size = 10) => Object.defineProperty(new File([], name), "size", { value: size });
const big = 3 * 1024 * 1024;

test("small files of one folder go together, those of another apart", async () => {
  const { queue, requests, pass } = stage();
  queue.add([
    { file: file("a.html"), folder: "." },
    { file: file("b.png"), folder: "img" },
    { file: file("c.css"), folder: "." },
  ]);
  await pass(1000);
  expect(requests.map(({ folder, names }) => [folder, names])).toEqual([
    [".", ["a.html", "c.css"]],
    ["img", ["b.png"]],
  ]);
});

test("two requests run at the same time at most, and the next follows an answer", async () => {
  const { queue, requests, pass } = stage();
  queue.add(["1", "2", "3"].map((name) => ({ file: file(name, big), folder: "." })));
  await pass(10_000);
  expect(requests.map(({ names }) => names[0])).toEqual(["1", "2"]);
  await requests[1]?.answer(200);
  await pass(1000);
  expect(requests[2]?.names).toEqual(["3"]);
});

test("a thousand folders stay below 600 requests a minute", async () => {
  const { queue, requests, pass } = stage();
  queue.add(Array.from({ length: 1000 }, (_, n) => ({ file: file("x.txt"), folder: `f${n}` })));
  for (let tick = 0; tick < 600; tick += 1) {
    for (const request of requests) await request.answer(200);
    await pass(100);
  }
  expect(requests.length).toBeGreaterThan(400);
  expect(requests.length).toBeLessThan(500);
});

test("of a refused batch each file is tried alone, so that the refusal stands at its file", async () => {
  const { queue, requests, pass, states, item } = stage();
  queue.add(["a.html", "b.exe"].map((name) => ({ file: file(name), folder: "." })));
  await requests[0]?.answer(400, { error: "`b.exe` has no extension that files of a site may have" });
  await pass(1000);
  expect(requests.slice(1).map(({ names }) => names)).toEqual([["a.html"], ["b.exe"]]);
  await requests[1]?.answer(200);
  await requests[2]?.answer(400, { error: "`b.exe` has no extension that files of a site may have" });
  expect(states()).toEqual({ "a.html": "done", "b.exe": "failed" });
  expect(item("b.exe").problem).toBe("`b.exe` has no extension that files of a site may have.");
});

test("a file above 50 MiB is refused before anything is sent", async () => {
  const { queue, requests, item } = stage();
  queue.add([{ file: file("film.mp4", MAX_FILE_BYTES + 1), folder: "." }]);
  expect(item("film.mp4").problem).toContain("50 MiB");
  queue.retry();
  expect(requests).toEqual([]);
});

test("a rate limit holds everything back for as long as the server says", async () => {
  const { queue, requests, pass, states } = stage();
  queue.add(["1", "2", "3"].map((name) => ({ file: file(name, big), folder: "." })));
  await pass(1000);
  await requests[0]?.answer(429, { error: "Too many requests" }, 30);
  expect(queue.view().pause).toEqual({ reason: "rate", until: 31_000 });
  await requests[1]?.answer(200);
  await pass(29_000);
  expect(requests.length).toBe(2);
  await pass(2000);
  expect(requests.slice(2).map(({ names }) => names[0])).toEqual(["1", "3"]);
  expect(queue.view().pause).toBeNull();
  expect(states()).toEqual({ "1": "sending", "2": "done", "3": "sending" });
});

test("a lost connection is waited out, and given up after a minute", async () => {
  const { queue, requests, pass, states } = stage();
  queue.add([{ file: file("a.html"), folder: "." }]);
  await requests[0]?.lose();
  expect(queue.view().pause?.reason).toBe("lost");
  await pass(5000);
  expect(requests.length).toBe(2);
  for (let n = 1; n < 20 && states()["a.html"] !== "failed"; n += 1) {
    await requests.at(-1)?.lose();
    await pass(5000);
  }
  expect(requests.length).toBe(13);
  expect(states()).toEqual({ "a.html": "failed" });
  queue.retry();
  await requests.at(-1)?.answer(200);
  expect(states()).toEqual({ "a.html": "done" });
});

test("cancelling one file of a batch sends the others anew", async () => {
  const { queue, requests, pass, states, item } = stage();
  queue.add(["a.html", "b.html"].map((name) => ({ file: file(name), folder: "." })));
  await settle(() => queue.cancel(item("a.html").id));
  await pass(1000);
  expect(requests.slice(1).map(({ names }) => names)).toEqual([["b.html"]]);
  await requests[1]?.answer(200);
  expect(states()).toEqual({ "a.html": "cancelled", "b.html": "done" });
});

test("a cancelled file stays so until it is tried again", async () => {
  const { queue, requests, pass, states, item } = stage();
  queue.add(["1", "2"].map((name) => ({ file: file(name, big), folder: "." })));
  await settle(() => queue.cancelAll());
  await pass(60_000);
  expect(states()).toEqual({ "1": "cancelled", "2": "cancelled" });
  expect(requests.length).toBe(1);
  queue.retry(item("2").id);
  await requests[1]?.answer(200);
  expect(states()).toEqual({ "1": "cancelled", "2": "done" });
});

test("the octets of a batch are shared out in the order of its files", async () => {
  const { queue, requests, item } = stage();
  queue.add([
    { file: file("a", 100), folder: "." },
    { file: file("b", 300), folder: "." },
  ]);
  requests[0]?.progress(0.5);
  expect([item("a").share, item("b").share]).toEqual([1, 1 / 3]);
  expect(summary(queue.view().items)).toEqual({ active: 2, done: 0, failed: 0, total: 2, share: 0.5 });
});

test("what the server says about the whole site is kept until it was read", async () => {
  const { queue, requests } = stage();
  queue.add([{ file: file("a"), folder: "." }]);
  await requests[0]?.answer(200, { ok: true, files: ["a"], warning: "The site has 600 octets" });
  expect(queue.view().warning).toBe("The site has 600 octets");
  queue.clear();
  expect(queue.view()).toEqual({ items: [], pause: null, warning: undefined });
});
