import { expect, test } from "vitest";

import { list, passwordProblem, usernameProblem } from "./rules";

test.each(["ada", "ada-l_2"])("%s may be a username", (name) => expect(usernameProblem(name)).toBe(true));

test.each(["a", "", "Ada", "ada l", "ädä"])("%j may be none", (name) => expect(usernameProblem(name)).toBeTypeOf("string"));

test("a password is counted in characters below and bytes above", () => {
  expect(passwordProblem("ü".repeat(7), false)).toBeTypeOf("string");
  expect(passwordProblem("ü".repeat(36), false)).toBe(true);
  expect(passwordProblem("ü".repeat(37), false)).toBeTypeOf("string");
});

test("an empty password stands for no change only where one is there", () => {
  expect(passwordProblem("", true)).toBe(true);
  expect(passwordProblem("", false)).toBeTypeOf("string");
});

test("a list may be typed carelessly", () => expect(list(" admins,, family ,")).toEqual(["admins", "family"]));
