import { expect, test } from "vitest";

import type { Site, Tunnel } from "@/api/schema";

import { matches, portProblem, subdomainProblem } from "./rules";

const tunnel = (subdomain: string, port: number, agentLabel?: string) =>
  ({ subdomain, fqdn: `${subdomain}.lab.example.org`, port, agentLabel }) as Tunnel;
const site = (name: string, fqdn = `${name}.lab.example.org`) => ({ name, fqdn }) as Site;
const TAKEN = {
  domain: "lab.example.org",
  tunnels: [tunnel("wiki", 8400, "attic")],
  sites: [site("blog"), site("shop", "store.lab.example.org")],
};

test.each(["a", "a-b", "0", "paste2", "a".repeat(63), "agents", "shop"])("%s is free", (name) =>
  expect(subdomainProblem(name, TAKEN)).toBe(true),
);

test.each([
  ["", "Enter"],
  ["Wiki", "small letters"],
  ["a.b", "small letters"],
  ["ä", "small letters"],
  ["-a", "hyphen"],
  ["a-", "hyphen"],
  ["a".repeat(64), "63"],
  ["auth", "kept for the server"],
  ["agent-attic", "panels of agents"],
  ["wiki", "port 8400 of attic"],
  ["blog", "the site blog"],
  ["store", "the site shop"],
])("%j is refused with its reason", (name, reason) => expect(subdomainProblem(name, TAKEN)).toContain(reason));

test.each(["1024", "8400", "65535"])("port %s is free without tunnels", (port) =>
  expect(portProblem(port, "attic", [])).toBe(true),
);

test.each(["", "http", "-1", "80.5", "1023", "65536"])("%j is no port of a tunnel", (port) =>
  expect(portProblem(port, "attic", [])).toBeTypeOf("string"),
);

test("a port is one agent's own", () => {
  const tunnels = [tunnel("wiki", 8400, "attic"), tunnel("notes", 8401, "attic"), tunnel("new", 9000)];
  expect(portProblem("8400", "cellar", tunnels)).toBe(true);
  expect(portProblem("8400", "attic", tunnels)).toContain("--as 8402");
  expect(portProblem("9000", "attic", tunnels)).toBe(true);
  expect(portProblem("9000", "", tunnels)).toContain("new.lab.example.org");
});

test("a tunnel is found by all that is shown of it", () => {
  const shown = { ...tunnel("wiki", 8400, "attic"), description: "Family notes" };
  expect(["WIKI.lab", "8400", "attic", "family", ""].every((filter) => matches(shown, filter))).toBe(true);
  expect(matches(shown, "cellar")).toBe(false);
});
