import type { Refusals } from "@/lib/refusals";

export const CODE_DIGITS = 6;

/** What was typed or pasted, without the gap that apps show. */
export function plainCode(typed: string): string {
  return typed.replace(/\s/g, "");
}

export function codeProblem(typed: string): true | string {
  return /^\d{6}$/.test(plainCode(typed)) || "Enter the six digits.";
}

export const CODE_REFUSALS: Refusals = [
  ["the code is wrong or was used before…", "code"],
  ["too many wrong codes…", "code"],
  ["the code must be a text of exactly 6 digits", "code"],
];
