import { expect, test } from "vitest";

import type { SystemStats } from "@/api/schema";

import { KEPT_MS, remember, share, type Sample } from "./history";

const stats = (cpu: number) => ({ cpu: { usage: cpu, cores: 2 }, memory: { used: 1, free: 3, total: 4 } }) as SystemStats;
const after = (...times: number[]) =>
  times.reduce<Sample[]>((samples, at, index) => remember(samples, stats(index), at), []);

test("each answer is one sample", () => {
  expect(after(1000, 6000)).toEqual([
    { at: 1000, cpu: 0, memory: 25 },
    { at: 6000, cpu: 1, memory: 25 },
  ]);
});

test("the same answer is not remembered twice", () => expect(after(1000, 1000)).toHaveLength(1));

test("what is older than five minutes is forgotten", () => {
  const times = Array.from({ length: 100 }, (_, index) => index * 5000);
  const samples = after(...times);
  expect(samples.length).toBe(KEPT_MS / 5000);
  expect(samples[0]?.at).toBeGreaterThan(99 * 5000 - KEPT_MS);
});

test("time away leaves a gap in the line", () => {
  expect(after(1000, 60_000).map(({ cpu }) => cpu)).toEqual([0, null, 1]);
});

test("a share of nothing is nothing", () => expect(share({ used: 0, total: 0 })).toBe(0));
