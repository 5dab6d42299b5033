import { expect, test } from "vitest";

import type { Agent } from "@/api/schema";

import { labelProblem, liveAgent, setupCommand } from "./rules";

const agent = (label: string, revoked = false) => ({ label, revoked, serial: `${label}${revoked}` }) as Agent;

test.each(["attic", "a", "0", "attic-nas-2", "a".repeat(50), "ends-"])("%s may be an agent's name", (label) =>
  expect(labelProblem(label, [])).toBe(true),
);

test.each(["", "Attic", "-attic", "a_b", "a b", "a".repeat(51)])("%j may be none", (label) =>
  expect(labelProblem(label, [])).toBeTypeOf("string"),
);

test("a name is taken by a live agent only", () => {
  expect(labelProblem("attic", [agent("attic", true)])).toBe(true);
  expect(labelProblem("attic", [agent("attic", true), agent("attic")])).toBeTypeOf("string");
});

test("of the entries that share a name the live one counts", () => {
  expect(liveAgent([agent("attic", true), agent("attic")], "attic")?.revoked).toBe(false);
  expect(liveAgent([agent("attic", true)], "attic")).toBeUndefined();
});

test("the command names the panel and no token", () => {
  expect(setupCommand("https://198.51.100.23:9292/")).toBe("portlama agent setup --panel-url https://198.51.100.23:9292");
});
