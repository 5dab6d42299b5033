import { expect, test } from "vitest";

import { ApiError, asSentence, sentence } from "./error";

const said = (error: string, details?: unknown) => sentence(ApiError.of({ status: 400, body: { error, details } }));

test("the way out begins a sentence of its own", () => {
  const hint = "an agent enrols again; the admin uses the certificate that was issued last";
  expect(said("The client certificate was revoked", { certificate: "revoked", hint })).toBe(
    "The client certificate was revoked. An agent enrols again; the admin uses the certificate that was issued last.",
  );
});

test("what is wrong with a field follows its name", () => {
  const issues = [{ path: ["agentLabel"], message: "must name an agent" }];
  expect(said("Validation failed", { issues })).toBe("Validation failed. `agentLabel` must name an agent.");
});

test.each([
  ["nothing answers", "Nothing answers."],
  ["agent: gone!", "Agent: gone!"],
  ["panel.example.org does not resolve", "panel.example.org does not resolve."],
  ["tls-alpn-01 was refused", "tls-alpn-01 was refused."],
  ["localhost:8123: nothing listens", "localhost:8123: nothing listens."],
  ["`attic` is away", "`attic` is away."],
])("%s", (text, as) => {
  expect(asSentence(text)).toBe(as);
});
