import { Link } from "react-router";

import { cn } from "@/lib/cn";

import { PAGES, type PlacedPage } from "./page";

/** All pages of the guide; folded away where there is little room. */
export function Sections({ current }: { current: PlacedPage | undefined }) {
  return (
    <nav aria-label="Guide" className="min-w-0 text-sm lg:sticky lg:top-4">
      <details className="rounded-xl border border-line bg-surface px-4 py-2.5 lg:hidden">
        <summary className="font-medium pointer-coarse:py-2">All pages of the guide</summary>
        <SectionList current={current} />
      </details>
      <div className="max-lg:hidden">
        <SectionList current={current} />
      </div>
    </nav>
  );
}

function SectionList({ current }: { current: PlacedPage | undefined }) {
  const sections = [...new Set(PAGES.map(({ section }) => section))];
  return (
    <div className="flex flex-col gap-4 max-lg:pt-3">
      {sections.map((section) => (
        <div key={section}>
          <p className="mb-1 px-2.5 text-xs font-semibold text-soft">{section}</p>
          <ul>
            {PAGES.filter((page) => page.section === section).map(({ slug, title }) => (
              <li key={slug}>
                <Link
                  to={`/docs/${slug}`}
                  aria-current={slug === current?.slug ? "page" : undefined}
                  className={cn(
                    "block rounded-md px-2.5 py-1.5 pointer-coarse:py-2.5",
                    slug === current?.slug ? "bg-accent-tint font-medium text-accent" : "hover:bg-sunken",
                  )}
                >
                  {title}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </div>
  );
}

/** The headings of the page. */
export function Contents({ page, className }: { page: PlacedPage; className: string }) {
  return (
    <nav aria-label="On this page" className={cn("min-w-0 text-sm", className)}>
      <p className="mb-1 text-xs font-semibold text-soft max-[90rem]:hidden">On this page</p>
      <ul className="border-l border-line">
        {page.parts.slice(1).map(({ id, title }) => (
          <li key={id}>
            <Link to={`#${id}`} className="block px-3 py-1 text-soft hover:text-ink">
              {title}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
