// Who has no good certificate, or none any more, learns why and what to do.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startChromium } from "./chromium.mjs";
import { startDemo } from "./demo.mjs";
import { handsOn, openPanel } from "./panel.mjs";
import { shortLived } from "./short-lived.mjs";

/** Long enough for a browser to start on a busy machine. */
const SHORT_LIFE_MS = 15_000;
/** How soon an open page finds out by itself. */
const NOTICE_MS = 30_000;

let demo;
let ready;

before(async () => {
  demo = await startDemo();
  ready = demo.ready;
});

after(() => demo?.stop());

async function open(options) {
  const browser = await startChromium({ trusted: [ready.caCert], ...options });
  return openPanel(browser, (host) => host === "127.0.0.1");
}

const refused = (page) => page.getByText("Your certificate is not valid here any more.");

test("without a certificate the panel says what to do", async () => {
  const stranger = await open();
  try {
    const { page, look } = stranger;
    const response = await page.goto(ready.panelUrl);
    assert.equal(response.status(), 400);
    await page.getByRole("heading", { level: 1, name: "This page needs your certificate" }).waitFor();
    await page.getByRole("heading", { level: 2, name: "2. Import it" }).waitFor();
    await look("panel-without-certificate");
    stranger.faults.none();
  } finally {
    await stranger.stop();
  }
});

test("a certificate whose time runs out while the panel is open is said to have expired", async () => {
  const { p12, endsAt, remove } = shortLived(ready, SHORT_LIFE_MS);
  const late = await open({ p12 });
  try {
    const { page, look } = late;
    await page.goto(ready.panelUrl);
    await page.getByRole("heading", { name: "Dashboard" }).waitFor();
    await refused(page).waitFor({ timeout: endsAt - Date.now() + NOTICE_MS });
    assert.ok(Date.now() >= endsAt);
    await page.getByRole("button", { name: "Load page anew" }).click();
    await page.getByRole("heading", { level: 1, name: "This certificate has expired" }).waitFor();
    await page.getByText("portlama server reset-admin").first().waitFor();
    await look("panel-certificate-expired");
    late.faults.none();
  } finally {
    await late.stop();
    remove();
  }
});

test("a certificate that is revoked while the panel is open loses nothing that was typed", async () => {
  const p12 = { file: ready.adminP12, password: ready.adminP12Password };
  const admin = await open({ p12 });
  try {
    const { page, dialog, button, look } = admin;
    await page.goto(`${ready.panelUrl}/tunnels?make`);
    const form = dialog("Make a tunnel");
    const typed = { Name: "journal", "Port of the app": "8765", Description: "Half of a thought" };
    for (const [name, text] of Object.entries(typed)) await form.getByRole("textbox", { name }).fill(text);

    const other = await admin.context.newPage();
    const elsewhere = handsOn(other);
    await other.goto(`${ready.panelUrl}/certificates?tab=access`);
    await elsewhere.button("Rotate").click();
    await other.getByRole("radio", { name: /At once/ }).check();
    await elsewhere.button("Make new certificate").click();
    assert.match(await elsewhere.secret("password"), /^\S{12,}$/);

    await refused(page).waitFor({ timeout: NOTICE_MS });
    await form.getByRole("button", { name: "Make tunnel" }).click();
    await form.getByRole("alert").filter({ hasText: /certificate/ }).waitFor();
    for (const [name, text] of Object.entries(typed)) {
      assert.equal(await form.getByRole("textbox", { name }).inputValue(), text);
    }
    await look("panel-certificate-revoked");
    await button("Cancel").click();
    await button("Load page anew").waitFor();
    await look("panel-certificate-revoked-page");
    admin.faults.none();
  } finally {
    await admin.stop();
  }
});
