import { readFile } from "node:fs/promises";
import path from "node:path";

import { Marked } from "marked";
import type { Plugin } from "vite";

/** Markdown below this folder becomes pages of the panel. */
const GUIDE = path.resolve(import.meta.dirname, "../../docs/guide");

/**
 * Turns a page of the user guide into a module when the panel is built, so that the browser gets
 * HTML that was made from our own text, and no Markdown parser.
 *
 * The module's default export is a `GuidePage` (`src/screens/docs/page.ts`).
 */
export function guide(): Plugin {
  return {
    name: "portlama:guide",
    enforce: "pre",
    async load(id) {
      const [file] = id.split("?");
      if (!file?.startsWith(GUIDE + path.sep) || !file.endsWith(".md")) return null;
      this.addWatchFile(file);
      return moduleOf(render(await readFile(file, "utf8")));
    },
  };
}

/** Pictures become files of the build, whose names only the build knows. */
function moduleOf(page: Page): string {
  const pictures = [...new Set([...page.html.matchAll(/<img src="([^"]+)"/g)].map(([, source = ""]) => source))];
  const imports = pictures.map((source, index) => `import picture${index} from ${JSON.stringify(path.join(GUIDE, source))};`);
  const places = pictures.map((source, index) => `.replaceAll(${JSON.stringify(`"${source}"`)}, JSON.stringify(picture${index}))`);
  const { html, ...rest } = page;
  return `${imports.join("\n")}
export default { ...${JSON.stringify(rest)}, html: ${JSON.stringify(html)}${places.join("")} };`;
}

/** A page of the guide, as the panel shows it. `GuidePage` of the screen says the same. */
interface Page {
  title: string;
  html: string;
  /** What stands below each heading, as text for the search; the first is the page's own lead. */
  parts: Part[];
}

interface Part {
  /** The anchor of its heading; empty for the lead. */
  id: string;
  title: string;
  text: string;
}

export function render(markdown: string): Page {
  let title = "";
  const ids = new Set<string>();
  const marked = new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth }) {
        const html = this.parser.parseInline(tokens);
        if (depth === 1) {
          title = plain(html);
          return "";
        }
        const id = anchor(plain(html));
        if (ids.has(id)) throw new Error(`two headings of one page have the anchor ${id}`);
        ids.add(id);
        return `<h${depth} id="${id}">${html}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        const page = pageLink(href);
        return page
          ? `<a href="${page}">${text}</a>`
          : `<a href="${escape(href)}" target="_blank" rel="noreferrer">${text}</a>`;
      },
      // A table may be wider than a phone: it scrolls by itself, and the keyboard reaches it.
      table(token) {
        const cell = (tag: string, tokens: typeof token.header) =>
          tokens.map((c) => `<${tag}>${this.parser.parseInline(c.tokens)}</${tag}>`).join("");
        const head = `<thead><tr>${cell("th", token.header)}</tr></thead>`;
        const body = token.rows.map((row) => `<tr>${cell("td", row)}</tr>`).join("");
        const label = escape(`Table: ${token.header.map(({ text }) => text).join(", ")}`);
        return `<div class="guide-table" tabindex="0" role="region" aria-label="${label}"><table>${head}<tbody>${body}</tbody></table></div>\n`;
      },
      image({ href, text }) {
        return `<img src="${escape(href)}" alt="${escape(text)}" loading="lazy">`;
      },
      code({ text }) {
        return `<pre tabindex="0"><code>${escape(text)}</code></pre>\n`;
      },
    },
  });
  const html = marked.parse(markdown, { async: false });
  return { title, html, parts: partsOf(title, html) };
}

/** Cuts a page at its headings. */
function partsOf(title: string, html: string): Part[] {
  const [lead = "", ...rest] = html.split(/(?=<h[2-6] id=)/);
  const below = rest.map((part) => {
    const [, id = "", heading = "", body = ""] = /^<h\d id="([^"]*)">(.*?)<\/h\d>(.*)$/s.exec(part) ?? [];
    return { id, title: plain(heading), text: plain(body) };
  });
  return [{ id: "", title, text: plain(lead) }, ...below];
}

/** `22-users.md#groups` of the folder as `/docs/users#groups` of the panel; none for other links. */
function pageLink(href: string): string | null {
  const [, name, heading = ""] = /^\d+-([a-z-]+)\.md(#.*)?$/.exec(href) ?? [];
  if (name) return `/docs/${name}${heading}`;
  return href.startsWith("#") ? href : null;
}

/** As the sites that show Markdown make anchors, so that links hold there, too. */
function anchor(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N} -]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}

function plain(html: string): string {
  const unmarked = html.replace(/<\/?(a|code|em|strong)\b[^>]*>/g, "");
  const text = unmarked.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ").trim();
  const entities: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&" };
  return text.replace(/&(lt|gt|quot|#39|amp);/g, (entity) => entities[entity] ?? entity);
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
