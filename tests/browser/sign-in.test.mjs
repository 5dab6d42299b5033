// A person signs in through the pages, with Chromium, and passes to the app.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { freshCode, startChromium, startDemo } from "./demo.mjs";

const screenshots = process.env.PORTLAMA_SCREENSHOTS;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let demo;
let ready;

before(async () => {
  demo = await startDemo();
  ready = demo.ready;
  if (screenshots) mkdirSync(screenshots, { recursive: true });
});

after(() => demo?.stop());

/** A picture in both themes, at the size of a laptop and of a small phone. */
async function picture(page, name) {
  if (!screenshots) return;
  for (const [size, width, height] of [["laptop", 1280, 800], ["phone", 360, 740]]) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(screenshots, `${name}-${size}-${colorScheme}.png`) });
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
}

/** No fault of weight for people who use a screen reader or a keyboard. */
async function accessible(page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Page.setBypassCSP", { enabled: true });
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const faults = violations.filter((v) => ["serious", "critical"].includes(v.impact));
  assert.deepEqual(faults.map((v) => `${v.id}: ${v.help}`), []);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  assert.equal(wider, false, "the page scrolls sideways");
}

test("a visitor signs in with keyboard alone, reaches the app, and signs out everywhere", async () => {
  const { context, stop } = await startChromium(ready);
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    const foreign = [];
    page.on("request", (request) => {
      const { hostname, protocol } = new URL(request.url());
      const ours = hostname === ready.domain || hostname.endsWith(`.${ready.domain}`);
      if (!ours && protocol !== "data:") foreign.push(request.url());
    });
    const complaints = [];
    page.on("console", (message) => {
      if (/Content.Security.Policy/i.test(message.text())) complaints.push(message.text());
    });

    await page.goto(ready.appUrl);
    assert.equal(new URL(page.url()).hostname, `auth.${ready.domain}`);
    await picture(page, "sign-in");
    await accessible(page);

    const focused = () => page.evaluate(() => document.activeElement?.getAttribute("name"));
    assert.equal(await focused(), "username");
    await page.keyboard.type(ready.username);
    await page.keyboard.press("Tab");
    await page.keyboard.type("not the password");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("User name").inputValue(), ready.username);
    await picture(page, "sign-in-wrong");
    await accessible(page);

    await page.getByLabel("Password").fill(ready.password);
    await page.keyboard.press("Enter");
    await page.getByLabel("Six-digit code").waitFor();
    await picture(page, "code");
    await accessible(page);
    await page.keyboard.type("000000");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    await picture(page, "code-wrong");

    await page.getByLabel("Six-digit code").fill(await freshCode(ready));
    await page.keyboard.press("Enter");
    await page.waitForURL(ready.appUrl);
    await page.getByText("tick").waitFor();
    await page.getByText("echo after").waitFor();
    assert.equal(await page.locator("dd").first().textContent(), ready.username);
    await picture(page, "app");

    await page.goto(`${ready.authUrl}/`);
    await picture(page, "signed-in");
    await accessible(page);
    await page.getByRole("button", { name: "Sign out everywhere" }).click();
    await page.getByText("You are signed out").first().waitFor();
    await picture(page, "signed-out");
    await accessible(page);

    await page.goto(ready.appUrl);
    assert.equal(new URL(page.url()).hostname, `auth.${ready.domain}`, "the app's session ended, too");
    assert.deepEqual(foreign, [], "requests to elsewhere");
    assert.deepEqual(complaints, [], "the pages break their own policy");
  } finally {
    await stop();
  }
});

test("the panel opens with the admin certificate, and says what to do without it", async () => {
  const origin = new URL(ready.panelUrl).origin;
  const { context, home, stop } = await startChromium(ready);
  try {
    const page = await context.newPage();
    const response = await page.goto(origin);
    assert.equal(response.status(), 400);
    await picture(page, "panel-without-certificate");
    await accessible(page);
    // NSS, Chromium's own store, must read the file that people are handed. Last, because
    // from then on Chromium asks a person which certificate to show.
    execFileSync("pk12util", ["-i", ready.adminP12, "-d", `sql:${home}/.pki/nssdb`, "-W", ready.adminP12Password]);
  } finally {
    await stop();
  }
  const admin = await startChromium(ready, {
    clientCertificates: [{ origin, pfxPath: ready.adminP12, passphrase: ready.adminP12Password }],
    // With this option the test's own TLS, not Chromium's, meets the server.
    ignoreHTTPSErrors: true,
  });
  try {
    const page = await admin.context.newPage();
    const response = await page.goto(origin);
    assert.equal(response.status(), 200);
    await picture(page, "panel");
    await accessible(page);
  } finally {
    await admin.stop();
  }
});
