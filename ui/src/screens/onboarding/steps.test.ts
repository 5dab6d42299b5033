import { expect, test } from "vitest";

import type { OnboardingState, OnboardingStatus } from "@/api/schema";

import { SERVER } from "@/test-platform";

import { bareAddress, isSetUpDue, mayChangeDomain, stepOf } from "./steps";

const at = (status: OnboardingStatus, more: Partial<OnboardingState> = {}): OnboardingState => ({ ...SERVER, status, ...more });

test.each<[OnboardingStatus, string, boolean]>([
  ["FRESH", "domain", true],
  ["DOMAIN_SET", "dns", true],
  ["DNS_READY", "dns", false],
  ["PROVISIONING", "set-up", false],
  ["COMPLETED", "done", false],
])("%s shows the step %s", (status, step, changeable) => {
  expect(stepOf(at(status))).toBe(step);
  expect(mayChangeDomain(at(status))).toBe(changeable);
});

test("the set-up is over when nothing waits to be read", () => {
  expect(isSetUpDue(at("PROVISIONING"))).toBe(true);
  expect(isSetUpDue(at("COMPLETED", { resultUntil: "2026-01-02T12:00:00.000Z" }))).toBe(true);
  expect(isSetUpDue(at("COMPLETED"))).toBe(false);
});

test.each([
  ["https://198.51.100.7:9443/", "198.51.100.7", "https://198.51.100.7:9443"],
  ["https://panel.example.org/", "198.51.100.7", "https://198.51.100.7:9393"],
  ["https://panel.example.org/", "2001:db8::7", "https://[2001:db8::7]:9393"],
  ["https://[2001:db8::7]:9292/", "2001:db8::7", "https://[2001:db8::7]:9292"],
])("seen from %s the bare address of %s is %s", (current, ip, address) => {
  expect(bareAddress(current, { ip, panelPort: 9393 })).toBe(address);
});
