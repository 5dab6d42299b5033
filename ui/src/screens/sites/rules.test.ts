import { expect, test } from "vitest";

import { crumbs, customDomainProblem, fileAddress, siteNameProblem, siteStatus } from "./rules";

test.each([
  [{ dnsVerified: true, certIssued: true }, "Live"],
  [{ dnsVerified: true, certIssued: false }, "Setup required"],
  [{ dnsVerified: false, certIssued: false }, "DNS pending"],
])("%j is %s", (state, word) => {
  expect(siteStatus({ ...state, type: "custom", fqdn: "www.example.net" }).word).toBe(word);
});

test.each(["a", "hand-book", "2024"])("%s may name a site", (name) => expect(siteNameProblem(name, true)).toBe(true));

test.each(["", "-a", "a-", "A", "a.b", "ä"])("%j may not", (name) => expect(siteNameProblem(name, true)).toBeTypeOf("string"));

test("a name below the domain is a label, so it is shorter", () => {
  expect(siteNameProblem("a".repeat(64), true)).toBeTypeOf("string");
  expect(siteNameProblem("a".repeat(64), false)).toBe(true);
});

test.each(["", "https://example.com", "localhost", "example.com/x", "example.com:443"])("%j is no domain", (domain) =>
  expect(customDomainProblem(domain)).toBeTypeOf("string"),
);

test("a domain in any script is left to the server", () => expect(customDomainProblem("bücher.example")).toBe(true));

test("a file's address escapes what an address may not hold", () =>
  expect(fileAddress("https://a.example:8443", "my docs/50%#1.html")).toBe("https://a.example:8443/my%20docs/50%25%231.html"));

test("each folder on the way opens by its own path", () => {
  expect(crumbs(".")).toEqual([]);
  expect(crumbs("a/b")).toEqual([
    { name: "a", path: "a" },
    { name: "b", path: "a/b" },
  ]);
});
