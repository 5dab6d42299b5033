import { expect, test } from "vitest";

import type { Tunnel, TunnelStatus } from "@/api/schema";

import { isDown, STATUS, statusOf, steps } from "./status";

const tunnel = (status?: string) => ({ status }) as Tunnel;

test.each(Object.keys(STATUS) as TunnelStatus[])("%s has words of its own", (status) => {
  const same = Object.values(STATUS).filter(({ label }) => label === STATUS[status].label);
  expect(same).toHaveLength(1);
});

test("an unheard-of status is not known, and not down", () => {
  expect(statusOf(tunnel("napping"))).toBe(STATUS.unknown);
  expect(statusOf(tunnel())).toBe(STATUS.unknown);
});

test.each(["serving", "disabled", "unknown", undefined])("%s is nothing to worry about", (status) =>
  expect(isDown(tunnel(status))).toBe(false),
);

test.each(["agent_offline", "origin_refused", "certificate_pending", "no_agent", "not_allowed_at_home"])(
  "%s is down",
  (status) => expect(isDown(tunnel(status))).toBe(true),
);

test("what comes before the failing step is done, what comes after is not reached", () => {
  expect(steps({ status: "not_allowed_at_home" }).map(({ state }) => state)).toEqual(["done", "done", "now", "later"]);
  expect(steps({ status: "certificate_pending" }).map(({ state }) => state)).toEqual(["now", "later", "later", "later"]);
  expect(steps({ status: "serving" }).every(({ state }) => state === "done")).toBe(true);
  expect(steps({ status: "disabled" })).toEqual([]);
});
