import MiniSearch from "minisearch";

import { PAGES } from "./page";

export interface Hit {
  /** The place in the guide, with its heading. */
  path: string;
  title: string;
  page: string;
  /** Some words around the first one that was found. */
  excerpt: string;
}

/** As many as are read. */
const MAX_HITS = 8;

let index: MiniSearch | undefined;

/** The parts of the guide that have all words, the last of which may be unfinished. */
export function search(words: string): Hit[] {
  index ??= makeIndex();
  return index
    .search(words)
    .slice(0, MAX_HITS)
    .map(({ id, title, page, text, terms }) => ({
      path: id as string,
      title: title as string,
      page: page as string,
      excerpt: excerpt(text as string, terms),
    }));
}

function makeIndex(): MiniSearch {
  const index = new MiniSearch({
    fields: ["title", "page", "text"],
    storeFields: ["title", "page", "text"],
    searchOptions: { combineWith: "AND", prefix: true, fuzzy: 0.2, boost: { title: 4, page: 2 } },
  });
  for (const { slug, title: page, parts } of PAGES) {
    index.addAll(
      parts.map(({ id, title, text }) => ({ id: id ? `/docs/${slug}#${id}` : `/docs/${slug}`, title, page, text })),
    );
  }
  return index;
}

const BEFORE = 40;
const LENGTH = 140;

export function excerpt(text: string, terms: string[]): string {
  const lower = text.toLowerCase();
  const found = terms.map((term) => lower.indexOf(term)).filter((at) => at >= 0);
  const around = Math.max(0, (found.length > 0 ? Math.min(...found) : 0) - BEFORE);
  const from = around === 0 ? 0 : text.indexOf(" ", around) + 1;
  const cut = text.slice(from, from + LENGTH);
  const end = from + LENGTH < text.length ? `${cut.slice(0, cut.lastIndexOf(" "))} …` : cut;
  return from > 0 ? `… ${end}` : end;
}
