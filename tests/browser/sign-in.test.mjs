// A person signs in through the pages, with Chromium, and passes to the app.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startChromium } from "./chromium.mjs";
import { startDemo } from "./demo.mjs";
import { freshCode } from "./totp.mjs";
import { accessible, picture, watch } from "./watch.mjs";

let demo;
let ready;

before(async () => {
  demo = await startDemo();
  ready = demo.ready;
});

after(() => demo?.stop());

test("a visitor signs in with keyboard alone, reaches the app, and signs out everywhere", async () => {
  const { context, stop } = await startChromium({ trusted: [ready.caCert] });
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    const faults = watch(context, (host) => host === ready.domain || host.endsWith(`.${ready.domain}`));

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

    await page.getByLabel("Six-digit code").fill(await freshCode(ready.totpUri));
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
    faults.none();
  } finally {
    await stop();
  }
});
