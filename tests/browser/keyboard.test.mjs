// A tunnel without a mouse: from the first press of Tab to the app's address.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startChromium } from "./chromium.mjs";
import { startDemo } from "./demo.mjs";
import { openPanel } from "./panel.mjs";

/** More stops than any page has. */
const STOPS = 60;

let demo;
let admin;

before(async () => {
  demo = await startDemo();
  const { caCert, adminP12, adminP12Password, domain } = demo.ready;
  const p12 = { file: adminP12, password: adminP12Password };
  const isOurs = (host) => host === "127.0.0.1" || host.endsWith(domain);
  admin = await openPanel(await startChromium({ trusted: [caCert], p12 }), isOurs);
});

after(async () => {
  await admin?.stop();
  await demo?.stop();
});

/** Presses Tab until what has the focus is meant, and finds that it can be seen there. */
async function tabTo(role, name, key = "Tab") {
  const { page } = admin;
  const wanted = page.getByRole(role, { name, exact: true });
  for (let stop = 0; stop < STOPS; stop += 1) {
    await page.keyboard.press(key);
    if (await wanted.evaluateAll((found) => found.includes(document.activeElement))) return shown(page, name);
  }
  assert.fail(`no way to ${name} by ${key}`);
}

/** A ring around it, and nothing above it. */
async function shown(page, name) {
  const { ring, uncovered } = await page.evaluate(() => {
    const active = document.activeElement;
    const { x, y, width, height } = active.getBoundingClientRect();
    const top = document.elementFromPoint(x + width / 2, y + height / 2);
    const style = getComputedStyle(active);
    return {
      ring: style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) > 0,
      uncovered: active.contains(top) || top?.contains(active) || top?.closest("label")?.control === active,
    };
  });
  assert.ok(ring, `${name} has the focus and does not show it`);
  assert.ok(uncovered, `${name} has the focus and something lies above it`);
}

test("a tunnel is made, found, changed and deleted with keys alone", async () => {
  const { page, dialog } = admin;
  const { keyboard } = page;
  await page.goto(demo.ready.panelUrl);
  await page.getByRole("heading", { name: "Dashboard" }).waitFor();
  await tabTo("link", "Tunnels");
  await keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Tunnels" }).waitFor();
  await page.getByRole("table", { name: "Tunnels" }).waitFor();

  await tabTo("button", "Make tunnel");
  await keyboard.press("Enter");
  const form = dialog("Make a tunnel");
  await form.waitFor();
  // The first field has the focus already.
  await keyboard.type("journal");
  await tabTo("textbox", "Port of the app");
  await keyboard.type("8765");
  await tabTo("radio", /Signed-in users/);
  await keyboard.press("ArrowDown");
  assert.ok(await form.getByRole("radio", { name: /Everybody/ }).isChecked());
  await keyboard.press("ArrowUp");
  await tabTo("textbox", "Description");
  await keyboard.type("Made without a mouse");
  await keyboard.press("Enter");

  const made = dialog(/^journal\..* was made$/);
  await made.waitFor();
  await keyboard.press("Escape");
  await made.waitFor({ state: "hidden" });
  const row = page.getByRole("row").filter({ hasText: "Made without a mouse" });
  await row.getByText("App does not answer").waitFor();

  const actions = `Actions for journal.${demo.ready.domain}`;
  await tabTo("button", actions);
  await keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  await keyboard.type("Edit");
  await keyboard.press("Enter");
  await dialog(/journal/).waitFor();
  await tabTo("textbox", "Description");
  await keyboard.press("Control+A");
  await keyboard.type("Changed without a mouse");
  await keyboard.press("Enter");
  await page.getByText("Changed without a mouse").waitFor();
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  // Where the menu was opened, the hands go on.
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), actions);

  await keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  await keyboard.type("Delete");
  await keyboard.press("Enter");
  await page.getByRole("alertdialog").waitFor();
  await tabTo("button", "Delete tunnel");
  await keyboard.press("Enter");
  await page.getByText("Changed without a mouse").waitFor({ state: "hidden" });
  admin.faults.none();
});
