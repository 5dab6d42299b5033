/** A page of the user guide, as `build/guide.ts` makes it from `docs/guide/*.md`. */
export interface GuidePage {
  title: string;
  html: string;
  /** What stands below each heading, as text; the first is the page's lead and has no `id`. */
  parts: GuidePart[];
}

export interface GuidePart {
  /** The anchor of its heading. */
  id: string;
  title: string;
  text: string;
}

/** A page with its place in the guide. */
export interface PlacedPage extends GuidePage {
  /** Its address is `/docs/<slug>`. */
  slug: string;
  section: string;
}

/** By the first digit of a file's name. */
const SECTIONS: Record<string, string> = {
  1: "Begin",
  2: "Publish",
  3: "Look after it",
  4: "Go further",
};

const files = import.meta.glob<GuidePage>("../../../../docs/guide/*.md", { eager: true, import: "default" });

/** All pages, in the order of their files' names. */
export const PAGES: PlacedPage[] = Object.entries(files)
  .sort(([a], [b]) => a.localeCompare(b))
  .map(([path, page]) => {
    const [, digit = "", slug = path] = /(\d)\d-([a-z-]+)\.md$/.exec(path) ?? [];
    return { ...page, slug, section: SECTIONS[digit] ?? "" };
  });

export function pageOf(slug: string | undefined): PlacedPage | undefined {
  return slug === undefined ? PAGES[0] : PAGES.find((page) => page.slug === slug);
}

/** The pages before and after one. */
export function neighbours(page: PlacedPage): { before?: PlacedPage; after?: PlacedPage } {
  const index = PAGES.indexOf(page);
  return { before: PAGES[index - 1], after: PAGES[index + 1] };
}
