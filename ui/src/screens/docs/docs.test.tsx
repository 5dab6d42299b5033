import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createMemoryRouter, RouterProvider } from "react-router";
import { expect, test } from "vitest";

import { Component } from "./docs";
import { PAGES } from "./page";
import { excerpt, search } from "./search";

function open(at: string) {
  const router = createMemoryRouter(
    [
      { path: "docs", Component },
      { path: "docs/:page", Component },
    ],
    { initialEntries: [at] },
  );
  render(<RouterProvider router={router} />);
  return router;
}

test.each(PAGES)("$slug has a title, a section and words", (page) => {
  expect(page.title).not.toBe("");
  expect(page.section).not.toBe("");
  expect(page.parts.map(({ text }) => text).join("").length).toBeGreaterThan(200);
});

test("every link of the guide leads to a page and heading that exist", () => {
  const places = new Set(
    PAGES.flatMap(({ slug, parts }) => parts.map(({ id }) => (id ? `/docs/${slug}#${id}` : `/docs/${slug}`))),
  );
  const links = PAGES.flatMap(({ html }) => [...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href ?? ""));
  expect(links.length).toBeGreaterThan(10);
  expect(links.filter((link) => !places.has(link))).toEqual([]);
});

test.each([
  ["lost certificate", "/docs/panel-security#lost-certificate"],
  ["agent_offline", "/docs/troubleshooting#what-a-tunnels-status-means"],
  ["bakup", "/docs/backup"],
  ["invit", "/docs/users#invite-somebody"],
])("who searches for %s finds it first", (words, path) => expect(search(words)[0]?.path).toBe(path));

test("words that are nowhere find nothing", () => expect(search("zeppelin")).toEqual([]));

test("an excerpt stands around what was found", () => {
  const text = `${"before ".repeat(30)}needle ${"after ".repeat(30)}`;
  expect(excerpt(text, ["needle"])).toMatch(/^… before .*needle after .* …$/);
  expect(excerpt("short", ["absent"])).toBe("short");
});

test("a page is found by typing and opened by Enter", async () => {
  const router = open("/docs");
  expect(screen.getByRole("heading", { level: 1, name: "What Portlama does" })).toBeInTheDocument();
  await userEvent.type(screen.getByRole("searchbox", { name: "Search the guide" }), "lost certificate{Enter}");
  expect(await screen.findByRole("heading", { level: 1, name: "Security of the panel" })).toBeInTheDocument();
  expect(router.state.location.hash).toBe("#lost-certificate");
});

test("links of the text stay inside the panel", async () => {
  const router = open("/docs/start");
  await userEvent.click(within(screen.getByRole("article")).getAllByRole("link", { name: "Set up the server" })[0] as Element);
  expect(router.state.location.pathname).toBe("/docs/server");
});

test("an unknown page says so", () => {
  open("/docs/moon");
  expect(screen.getByText("The guide has no such page")).toBeInTheDocument();
});

test("a mistyped heading in the address opens the page all the same", async () => {
  open("/docs/users#%zz");
  expect(await screen.findByRole("article")).toBeVisible();
});
