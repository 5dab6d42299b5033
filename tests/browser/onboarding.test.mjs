// A certificate authority that refuses: its own words on the page, also after a reload, and the
// way on once the cause is mended.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { openPanel } from "./panel.mjs";
import { DOMAIN, firewall, freshServer } from "./server.mjs";

/** Certificates of an authority, on a busy machine. */
const SET_UP_MS = 120_000;

let shut;
let server;
let admin;

before(async () => {
  shut = await firewall();
  server = await freshServer({ seenAt: shut.port });
  admin = await openPanel(await server.admin(), server.isOurs);
});

after(async () => {
  await admin?.stop();
  await server?.stop();
  await shut?.stop();
});

test("what the authority says is on the page, and the set-up goes on when the cause is mended", async () => {
  const { page, button, look } = admin;
  await page.goto(server.origin);
  await page.getByLabel("Domain").fill(DOMAIN);
  await page.getByLabel("E-mail").fill("owner@example.com");
  await page.keyboard.press("Enter");
  await button(`Set up ${DOMAIN}`).click();

  await page.getByRole("alert").filter({ hasText: "Stopped at" }).waitFor({ timeout: SET_UP_MS });
  const refusal = page.getByRole("list", { name: "Tasks" }).getByRole("listitem").filter({ has: button("Try again") });
  const words = await refusal.textContent();
  // Pebble's own: it looked, and nobody was there.
  assert.match(words, new RegExp(`Failed to connect to [\\d.]+:${shut.port} for the tls-alpn-01 challenge`));
  assert.equal(words.match(/urn:ietf:params:acme:error:/g).length, 1, "what is said of all three names stands there once");
  assert.equal(await page.getByRole("list", { name: "Tasks" }).getByLabel("Failed").count(), 1);
  const done = await page.getByLabel("Done").count();
  await look("onboarding-refused");

  await page.reload();
  await refusal.waitFor();
  assert.equal(await refusal.textContent(), words, "a reload loses nothing");
  assert.equal(await page.getByLabel("Done").count(), done);

  await shut.open(server.httpsPort);
  await button("Try again").click();
  await page.getByRole("heading", { name: `${DOMAIN} is in service` }).waitFor({ timeout: SET_UP_MS });
  admin.faults.none();
});
