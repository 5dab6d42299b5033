import { expect, test } from "vitest";

import { changes, NEW, newTunnel } from "./values";

test("only what differs is sent, and never the name or port", () => {
  const after = { ...NEW, subdomain: "other", port: "9", description: "Notes", allowCrossSite: true };
  expect(changes(NEW, after)).toEqual({ description: "Notes", allowCrossSite: true });
  expect(changes(NEW, NEW)).toEqual({});
});

test("a description can be taken away", () =>
  expect(changes({ ...NEW, description: "Notes" }, NEW)).toEqual({ description: "" }));

test("a port is sent as a number, and an agent only when one was chosen", () => {
  expect(newTunnel({ ...NEW, subdomain: "wiki", port: "8400" })).not.toHaveProperty("agentLabel");
  expect(newTunnel({ ...NEW, port: "8400", agentLabel: "attic" })).toMatchObject({ port: 8400, agentLabel: "attic" });
});
