import { expect, test } from "vitest";

import type { DnsCheck } from "@/api/schema";

import { isAllWell, mayGoOn, records } from "./records";

const check = (more: Partial<DnsCheck> = {}): DnsCheck => ({
  ok: true,
  domain: "example.org",
  expectedIp: "198.51.100.7",
  resolvedIps: ["198.51.100.7"],
  wildcardResolvedIps: ["198.51.100.7"],
  wildcardOk: true,
  message: "",
  names: [{ name: "panel.example.org", ok: true, message: "" }],
  resolvers: [],
  ...more,
});

test("two records lead the domain and every name below it here", () => {
  expect(records("example.org", "198.51.100.7").map(({ type, name, value, found }) => [type, name, value, found])).toEqual([
    ["A", "example.org", "198.51.100.7", "unknown"],
    ["A", "*.example.org", "198.51.100.7", "unknown"],
  ]);
});

test("a server known by IPv6 needs AAAA records", () => {
  expect(records("example.org", "2001:db8::7").map(({ type }) => type)).toEqual(["AAAA", "AAAA"]);
});

test("each record has its own finding", () => {
  const found = records("example.org", "198.51.100.7", check({ wildcardOk: false })).map(({ found }) => found);
  expect(found).toEqual(["yes", "no"]);
});

test("the way on is open once the names that the set-up needs lead here", () => {
  expect(mayGoOn(undefined)).toBe(false);
  expect(mayGoOn(check({ ok: false }))).toBe(false);
  expect(mayGoOn(check({ names: [{ name: "panel.example.org", ok: false, message: "" }] }))).toBe(false);
  expect(mayGoOn(check({ wildcardOk: false }))).toBe(true);
});

test("there is nothing more to look for once every name leads here", () => {
  expect(isAllWell(check({ wildcardOk: false }))).toBe(false);
  expect(isAllWell(check())).toBe(true);
});
