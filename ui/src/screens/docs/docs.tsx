import "./guide.css";

import { ArrowLeft, ArrowRight, BookX } from "lucide-react";
import { useEffect, useRef, type MouseEvent } from "react";
import { Link, useLocation, useNavigate, useParams } from "react-router";

import { Button } from "@/components/button";
import { Card } from "@/components/card";
import { Page } from "@/components/page";
import { State } from "@/components/page-state";

import { Contents, Sections } from "./contents";
import { neighbours, pageOf, type PlacedPage } from "./page";
import { SearchBox } from "./search-box";

export function Component() {
  const { page: slug } = useParams();
  const page = pageOf(slug);
  return (
    <Page title={page?.title ?? "Guide"} actions={<SearchBox />}>
      <div className="grid items-start gap-4 lg:gap-6 lg:grid-cols-[12rem_minmax(0,1fr)] min-[90rem]:grid-cols-[12rem_minmax(0,1fr)_11rem]">
        <Sections current={page} />
        {page ? (
          <Article key={page.slug} page={page} />
        ) : (
          <Card>
            <State
              icon={BookX}
              title="The guide has no such page"
              action={
                <Button asChild>
                  <Link to="/docs">Open the first page</Link>
                </Button>
              }
            />
          </Card>
        )}
        {page && <Contents page={page} className="sticky top-4 max-[90rem]:hidden" />}
      </div>
    </Page>
  );
}

/** The heading that an address names; none where somebody mistyped it. */
function idOf(hash: string): string {
  try {
    return decodeURIComponent(hash.slice(1));
  } catch {
    return "";
  }
}

function Article({ page }: { page: PlacedPage }) {
  const { before, after } = neighbours(page);
  const body = useRef<HTMLDivElement>(null);
  const { hash, key } = useLocation();
  useEffect(() => {
    const id = idOf(hash);
    if (!id) return;
    // After the frame's own effect, which begins every page at its top.
    const frame = requestAnimationFrame(() => {
      body.current?.querySelector(`#${CSS.escape(id)}`)?.scrollIntoView();
    });
    return () => cancelAnimationFrame(frame);
  }, [hash, key]);
  return (
    <article className="min-w-0">
      <details className="mb-4 rounded-xl border border-line bg-surface px-4 py-2.5 text-sm min-[90rem]:hidden">
        <summary className="font-medium pointer-coarse:py-2">On this page</summary>
        <Contents page={page} className="pt-3" />
      </details>
      <Card className="p-4 sm:p-6">
        {/* Made at build time from docs/guide, which is our own text. */}
        <div ref={body} className="guide" onClick={useOwnLinks()} dangerouslySetInnerHTML={{ __html: page.html }} />
      </Card>
      <nav aria-label="Further pages" className="mt-4 flex flex-wrap justify-between gap-3">
        {before ? (
          <Button asChild>
            <Link to={`/docs/${before.slug}`}>
              <ArrowLeft aria-hidden /> {before.title}
            </Link>
          </Button>
        ) : (
          <span />
        )}
        {after && (
          <Button asChild>
            <Link to={`/docs/${after.slug}`}>
              {after.title} <ArrowRight aria-hidden />
            </Link>
          </Button>
        )}
      </nav>
    </article>
  );
}

/** Links of the text to other pages of the guide go there without loading the panel anew. */
function useOwnLinks() {
  const navigate = useNavigate();
  return (event: MouseEvent) => {
    const href = (event.target as Element).closest("a")?.getAttribute("href");
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!href || !isPlain || !/^[/#]/.test(href)) return;
    event.preventDefault();
    void navigate(href);
  };
}
