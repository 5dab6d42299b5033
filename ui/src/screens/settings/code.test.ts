import { expect, test } from "vitest";

import { codeProblem, plainCode } from "./code";

test.each(["123456", "123 456", " 000000 "])("%j is a code", (typed) => expect(codeProblem(typed)).toBe(true));

test.each(["", "12345", "1234567", "12a456", "١٢٣٤٥٦"])("%j is none", (typed) => expect(codeProblem(typed)).toBeTypeOf("string"));

test("a code is sent without the gap", () => expect(plainCode("123 456")).toBe("123456"));
