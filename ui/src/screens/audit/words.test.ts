import { expect, test } from "vitest";

import { actionWords, changes, identityWords, memberWords, valueWords } from "./words";

test("a change shows only what is different", () => {
  const before = { fqdn: "wiki.example.com", enabled: true, accessMode: "authenticated", allowedUsers: [] };
  const after = { ...before, accessMode: "public", allowedUsers: ["ada", "grace"] };
  expect(changes(before, after)).toEqual([
    { member: "accessMode", before: "authenticated", after: "public" },
    { member: "allowedUsers", before: "none", after: "ada, grace" },
  ]);
});

test("a member that came or went is a difference", () =>
  expect(changes({ a: 1 }, { b: 2 })).toEqual([
    { member: "a", before: "1", after: "none" },
    { member: "b", before: "none", after: "2" },
  ]));

test("of a new or removed thing all is shown", () => {
  expect(changes(null, { enabled: true })).toEqual([{ member: "enabled", after: "yes" }]);
  expect(changes({ enabled: false }, null)).toEqual([{ member: "enabled", before: "no" }]);
  expect(changes(null, null)).toEqual([]);
});

test.each([
  ["admin", "Admin"],
  ["agent:attic-nas", "Agent attic-nas"],
  ["user:ada", "User ada"],
  ["local", "The server itself"],
  ["robot:9", "robot:9"],
])("%s is %s", (identity, words) => expect(identityWords(identity)).toBe(words));

test("what a newer server did is shown by its own name", () => {
  expect(actionWords("moon.land")).toBe("moon.land");
  expect(memberWords("landingSite")).toBe("landing site");
});

test("a service's action is said", () => expect(actionWords("service.restart")).toBe("Asked to restart"));

test("a time is shown as one, a number that looks like none is kept", () => {
  expect(valueWords("2027-02-03T08:15:00.000Z")).toContain("2027");
  expect(valueWords("2027-02-03")).toBe("2027-02-03");
});
