import { expect, test } from "vitest";

import { bytes, countdown, daysUntil, duration, plural, relative } from "./format";

const NOW = Date.parse("2026-01-02T12:00:00Z");

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "0.98 KiB"],
  [1536, "1.5 KiB"],
  [52_428_800, "50 MiB"],
  [1024 ** 3 * 999.6, "0.98 TiB"],
])("%d octets are %s", (count, text) => expect(bytes(count)).toBe(text));

test.each([
  [0, "0 s"],
  [59.9, "59 s"],
  [3600, "1 h"],
  [3661, "1 h 1 min"],
  [86_400 * 3 + 59, "3 d"],
  [-5, "0 s"],
])("%d seconds last %s", (seconds, text) => expect(duration(seconds)).toBe(text));

test.each([
  ["2026-01-02T11:59:55Z", "just now"],
  ["2026-01-02T11:55:00Z", "5 min ago"],
  ["2026-01-05T12:00:00Z", "in 3 d"],
  ["no time", "no time"],
])("%s is %s", (time, text) => expect(relative(time, NOW)).toBe(text));

test("days until a time are whole and may be negative", () => {
  expect(daysUntil("2026-01-09T11:59:59Z", NOW)).toBe(6);
  expect(daysUntil("2026-01-01T12:00:00Z", NOW)).toBe(-1);
});

test("a countdown stops at nothing", () => {
  expect([600, 59.2, -1].map(countdown)).toEqual(["10:00", "1:00", "0:00"]);
});

test("one is singular", () => {
  expect([plural(1, "site"), plural(0, "site"), plural(2, "entry", "entries")]).toEqual(["1 site", "0 sites", "2 entries"]);
});
