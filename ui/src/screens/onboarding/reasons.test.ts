import { expect, test } from "vitest";

import { reasonsOf } from "./reasons";

const refusal = (host: string) => `${host}: the authority refuses \`${host}\`: no answer for it (urn:x)`;

test("what is said of several hosts is told once, with the others by name", () => {
  const text = ["panel.lab.test", "auth.lab.test", "tunnel.lab.test"].map(refusal).join("; ");
  expect(reasonsOf(text)).toEqual([
    { reason: "the authority refuses `panel.lab.test`: no answer for it (urn:x)", sameFor: ["auth.lab.test", "tunnel.lab.test"] },
  ]);
});

test("what differs stays apart, and a reason without a name keeps that of its host", () => {
  const text = `a.lab.test: it has not answered yet; ${refusal("b.lab.test")}; c.lab.test: it has not answered yet`;
  expect(reasonsOf(text)).toEqual([
    { reason: "a.lab.test: it has not answered yet", sameFor: ["c.lab.test"] },
    { reason: "the authority refuses `b.lab.test`: no answer for it (urn:x)", sameFor: [] },
  ]);
});

test("any other text is one reason, whole", () => {
  const text = "port 443 is in use: stop what holds it; then try again";
  expect(reasonsOf(text)).toEqual([{ reason: text, sameFor: [] }]);
});
