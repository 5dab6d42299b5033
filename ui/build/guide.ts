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
      const page = render(await readFile(file, "utf8"));
      return `export default ${JSON.stringify(page)};`;
    },
  };
}

interface Heading {
  id: string;
  text: string;
}

/** A page: its title, its body as HTML, its headings, and its words for the search. */
export function render(markdown: string) {
  const headings: Heading[] = [];
  let title = "";
  const marked = new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth, text }) {
        const html = this.parser.parseInline(tokens);
        if (depth === 1) {
          title = text;
          return "";
        }
        const id = anchor(text);
        headings.push({ id, text });
        return `<h${depth} id="${id}">${html}</h${depth}>\n`;
      },
      // A table may be wider than a phone: it scrolls by itself, and the keyboard reaches it.
      table(token) {
        const cell = (tag: string, tokens: typeof token.header) =>
          tokens.map((c) => `<${tag}>${this.parser.parseInline(c.tokens)}</${tag}>`).join("");
        const head = `<thead><tr>${cell("th", token.header)}</tr></thead>`;
        const body = token.rows.map((row) => `<tr>${cell("td", row)}</tr>`).join("");
        return `<div class="guide-table" tabindex="0" role="region" aria-label="Table"><table>${head}<tbody>${body}</tbody></table></div>\n`;
      },
      code({ text }) {
        return `<pre tabindex="0"><code>${escape(text)}</code></pre>\n`;
      },
    },
  });
  const html = marked.parse(markdown, { async: false });
  const text = html.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ").trim();
  return { title, html, headings, text };
}

function anchor(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
