import type { Refusals } from "@/lib/refusals";

/** The username of somebody else. */
export const REFUSALS: Refusals = [
  ["user `…` exists already", "username"],
  ["an open invitation for `…` exists already", "username"],
];

/**
 * What the server will say against a name or password, said before it is sent. The server's rules
 * decide; these only spare a round trip.
 */

export function usernameProblem(name: string): true | string {
  if (name.length < 2) return "Enter two characters at least.";
  return /^[a-z0-9_-]+$/.test(name) || "Only small letters, digits, - and _.";
}

/** @param optional whether an empty one stands for "no change" */
export function passwordProblem(password: string, optional: boolean): true | string {
  if (optional && password === "") return true;
  if ([...password].length < 8) return "Enter 8 characters at least.";
  return new TextEncoder().encode(password).length <= 72 || "72 bytes at most: this one would be cut.";
}

/** The entries of a list that is typed with commas. */
export function list(typed: string): string[] {
  return typed
    .split(",")
    .map((entry) => entry.trim())
    .filter(Boolean);
}
