import { expect, test } from "vitest";

import type { Agent, Certificate, Service, Tunnel } from "@/api/schema";

import { byHealth, countTunnels, endings, endTone, endWords } from "./summary";

const NOW = Date.parse("2026-03-01T12:00:00Z");
const inDays = (days: number) => new Date(NOW + days * 86_400_000 + 1000).toISOString();
const host = (domain: string, days: number | null, more: Partial<Certificate> = {}) =>
  ({ type: "letsencrypt", domain, path: domain, expiresAt: days === null ? null : inDays(days), status: "good", ...more }) as Certificate;
const agent = (label: string, days: number, revoked = false) =>
  ({ label, serial: label, expiresAt: inDays(days), revoked }) as Agent;

test("failed parts come first, good ones keep their order", () => {
  const services = [
    { name: "edge", status: "active" },
    { name: "portal", status: "active" },
    { name: "acme", status: "failed" },
    { name: "ssh", status: "inactive" },
  ] as Service[];
  expect(byHealth(services).map(({ name }) => name)).toEqual(["acme", "ssh", "edge", "portal"]);
});

test("tunnels that are off are neither serving nor down; the newest trouble is first", () => {
  const tunnels = [
    { status: "serving", enabled: true },
    { status: "disabled", enabled: false },
    { status: "agent_offline", enabled: true, statusSince: "2026-03-01T10:00:00Z", fqdn: "old" },
    { status: "origin_refused", enabled: true, statusSince: "2026-03-01T11:00:00Z", fqdn: "new" },
  ] as Tunnel[];
  const { serving, down, off } = countTunnels(tunnels);
  expect([serving, off, down.map(({ fqdn }) => fqdn)]).toEqual([1, 1, ["new", "old"]]);
});

test("thirty days are soon, seven urgent, and what is over has ended", () => {
  const found = endings([host("a", 31), host("b", 30), host("c", 8), host("d", 7), host("e", -2)], [], NOW);
  expect(found.map((end) => [end.name, endTone(end), endWords(end)])).toEqual([
    ["e", "bad", "Ended"],
    ["d", "bad", "7 days left"],
    ["c", "warn", "8 days left"],
    ["b", "warn", "30 days left"],
  ]);
});

test("a host without a certificate and one whose next fails are shown with the reason", () => {
  const failure = { message: "The authority refused the name.", since: "", nextTry: "" };
  const found = endings([host("new", null, { status: "pending" }), host("old", 60, { status: "failing", failure })], [], NOW);
  expect(found.map(({ name, problem }) => [name, problem])).toEqual([
    ["new", "no certificate yet"],
    ["old", "The authority refused the name."],
  ]);
});

test("agents count while they are enrolled; the server's own leaves renew themselves", () => {
  const found = endings([host("panel", 3, { type: "internal" })], [agent("attic", 5), agent("gone", 5, true)], NOW);
  expect(found.map(({ name }) => name)).toEqual(["Agent attic"]);
});
