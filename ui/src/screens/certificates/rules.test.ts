import { expect, test } from "vitest";

import type { Agent, Certificate } from "@/api/schema";

import { agentState, chosenCapabilities, csrProblem, hostCertificates, inOrder, lifetime, octets, sameMembers, shortSerial } from "./rules";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const inDays = (days: number) => new Date(NOW + days * 86_400_000).toISOString();

test.each([
  [-0.1, "Ended", "bad"],
  [0.5, "Ends today", "bad"],
  [1.5, "1 day left", "bad"],
  [7.9, "7 days left", "bad"],
  [8, "8 days left", "warn"],
  [30.9, "30 days left", "warn"],
  [31, "31 days left", "good"],
])("what ends in %d days: %s, %s", (days, word, tone) => expect(lifetime(inDays(days), NOW)).toEqual({ word, tone }));

test("of the certificates the hosts' are listed, those in trouble first", () => {
  const of = (domain: string, type: Certificate["type"], status: Certificate["status"], days?: number) =>
    ({ domain, type, status, expiresAt: days === undefined ? null : inDays(days) }) as Certificate;
  const listed = hostCertificates([
    of("late", "letsencrypt", "good", 80),
    of("soon", "internal", "good", 20),
    of("ca", "mtls-ca", null, 1),
    of("me", "mtls-client", null, 1),
    of("failing", "letsencrypt", "failing", 50),
    of("none", "letsencrypt", "pending"),
  ]);
  expect(listed.map(({ domain }) => domain)).toEqual(["none", "failing", "soon", "late"]);
});

const agent = (label: string, rest: Partial<Agent> = {}) => ({ label, revoked: false, expiresAt: inDays(300), ...rest }) as Agent;

test("an agent's certificate is active, near its end, or revoked", () => {
  expect(agentState(agent("a"), NOW).word).toBe("Active");
  expect(agentState(agent("a", { expiresAt: inDays(10) }), NOW).word).toBe("10 days left");
  expect(agentState(agent("a", { revoked: true, expiresAt: inDays(-3) }), NOW).word).toBe("Revoked");
});

test("live agents stand by name, revoked ones by when", () => {
  const { live, revoked } = inOrder([
    agent("b"),
    agent("x", { revoked: true, revokedAt: inDays(-9) }),
    agent("a"),
    agent("y", { revoked: true, revokedAt: inDays(-1) }),
  ]);
  expect([live.map(({ label }) => label), revoked.map(({ label }) => label)]).toEqual([["a", "b"], ["y", "x"]]);
});

test("rights that no form offers are not lost by saving it", () => {
  expect(chosenCapabilities(["sites:read"], ["tunnels:read", "tunnels:write", "identity:read"])).toEqual([
    "tunnels:read",
    "sites:read",
    "identity:read",
  ]);
});

test("lists are the same whatever their order", () => {
  expect([sameMembers(["a", "b"], ["b", "a"]), sameMembers(["a"], ["a", "b"]), sameMembers(["a"], ["b"])]).toEqual([true, false, false]);
});

test("a long serial is shortened in the middle", () => {
  expect([shortSerial("0A1B"), shortSerial("0123456789ABCDEF0123")]).toEqual(["0A1B", "01234567…0123"]);
});

test("a file inside an answer keeps every octet", () => expect([...octets("AP+AfA==")]).toEqual([0, 255, 128, 124]));

const REQUEST = "-----BEGIN CERTIFICATE REQUEST-----\nMIH\n-----END CERTIFICATE REQUEST-----\n";

test("a private key is never sent, not even beside a request", () => {
  expect(csrProblem(REQUEST)).toBe(true);
  expect(csrProblem(`${REQUEST}-----BEGIN PRIVATE KEY-----`)).toMatch(/never leave/);
  expect([csrProblem(" "), csrProblem("-----BEGIN CERTIFICATE-----")].every((text) => text !== true)).toBe(true);
});
