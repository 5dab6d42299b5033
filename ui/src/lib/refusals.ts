import type { ApiError } from "@/api/error";

/**
 * What the server says against the whole of a thing in these words, and the field that it speaks
 * of; of several, the first that the form shows. `…` stands for what varies, such as a name. A test
 * holds the words against those of the server.
 */
export type Refusals = readonly (readonly [words: string, ...fields: string[]])[];

/** The fields that a refusal speaks of, where it names none itself. */
export function fieldsOf(error: ApiError, refusals: Refusals): readonly string[] {
  if (error.status >= 500 || error.fields.size > 0) return [];
  const said = error.message.toLowerCase();
  const known = refusals.find(([words]) => isSaid(words.toLowerCase(), said));
  return known ? known.slice(1) : [];
}

function isSaid(words: string, said: string): boolean {
  const [before = "", after] = words.split("…");
  return after === undefined ? said === words : said.startsWith(before) && said.endsWith(after);
}
