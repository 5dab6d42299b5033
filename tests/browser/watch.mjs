// What is looked at on every page: pictures, and faults that no person should meet.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const screenshots = process.env.PORTLAMA_SCREENSHOTS;
if (screenshots) mkdirSync(screenshots, { recursive: true });

const SIZES = [
  ["laptop", 1280, 800],
  ["phone", 360, 740],
];

/** A picture in both themes, at the size of a laptop and of a small phone. */
export async function picture(page, name) {
  if (!screenshots) return;
  const before = page.viewportSize();
  for (const [size, width, height] of SIZES) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ["light", "dark"]) {
      await recolour(page, colorScheme);
      await page.screenshot({ path: join(screenshots, `${name}-${size}-${colorScheme}.png`) });
    }
  }
  await recolour(page, "light");
  if (before) await page.setViewportSize(before);
}

/** The panel follows a moment after the system's colours have changed. */
async function recolour(page, colorScheme) {
  await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
  await page.waitForFunction(
    (dark) => !document.getElementById("root") || document.documentElement.classList.contains("dark") === dark,
    colorScheme === "dark",
  );
}

/** No fault of weight for people who use a screen reader or a keyboard, at both sizes. */
export async function accessible(page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Page.setBypassCSP", { enabled: true });
  const before = page.viewportSize();
  for (const [size, width, height] of SIZES) {
    await page.setViewportSize({ width, height });
    await page.evaluate(axe);
    // What a dialog covers can't be reached, so only the dialog is looked at.
    const { violations } = await page.evaluate(() => {
      const dialogs = document.querySelectorAll('[role="dialog"], [role="alertdialog"]');
      return globalThis.axe.run([...dialogs].at(-1) ?? document);
    });
    const faults = violations.filter((v) => ["serious", "critical"].includes(v.impact));
    const told = faults.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((node) => `${node.html} ${node.failureSummary}`)}`);
    assert.deepEqual(told, [], `${page.url()} on a ${size}`);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    assert.equal(wider, false, `${page.url()} scrolls sideways on a ${size}`);
  }
  if (before) await page.setViewportSize(before);
  await cdp.detach();
}

/** Collects requests to hosts that `isOurs` does not know, broken content policies and exceptions. */
export function watch(context, isOurs) {
  const faults = [];
  context.on("request", (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (!isOurs(hostname) && !["data:", "blob:"].includes(protocol)) faults.push(`request to ${request.url()}`);
  });
  context.on("console", (message) => {
    if (/Content.Security.Policy/i.test(message.text())) faults.push(message.text());
  });
  context.on("weberror", (error) => faults.push(String(error.error())));
  return { none: () => assert.deepEqual(faults, []) };
}
