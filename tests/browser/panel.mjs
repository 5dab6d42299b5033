// The admin in front of the panel: what tests do on its pages.
import { picture, accessible, watch } from "./watch.mjs";

const ANSWER_LIMIT_MS = 20_000;

/** A browser and its page, at the size of a laptop. `isOurs` knows the hosts that may be asked. */
export async function openPanel(browser, isOurs) {
  const { context, home, stop } = browser;
  const page = context.pages()[0] ?? (await context.newPage());
  await page.setViewportSize({ width: 1280, height: 800 });
  page.setDefaultTimeout(ANSWER_LIMIT_MS);
  return { context, home, stop, page, faults: watch(context, isOurs), ...handsOn(page) };
}

/** What can be done on a page of the panel. */
export function handsOn(page) {
  const button = (name) => page.getByRole("button", { name, exact: true });
  return {
    button,
    dialog: (name) => page.getByRole("dialog", { name }),

    /** Goes to a page by its link, as people do. */
    visit: async (name, title = name) => {
      await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name, exact: true }).click();
      await page.getByRole("heading", { level: 1, name: title }).waitFor();
    },

    /** What a hidden line holds, once it is shown. */
    secret: async (name) => {
      await button(`Show ${name}`).click();
      return page.locator(`[data-secret="${name}"]`).textContent();
    },

    /** A picture and a look for faults, when everything is there. */
    look: async (name) => {
      await page.waitForFunction(() => !document.querySelector('[data-loading="true"]'));
      await picture(page, name);
      await accessible(page);
    },
  };
}
