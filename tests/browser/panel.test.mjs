// The admin at work in the web panel of a real server, and the people that this lets in: from a
// fresh server to a rotated certificate. The steps build on each other, in this order.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";

import { openPanel } from "./panel.mjs";
import { appAtHome, DOMAIN, freshServer } from "./server.mjs";
import { story } from "./story.mjs";
import { freshCode } from "./totp.mjs";
import { accessible, picture } from "./watch.mjs";

/** An authority, three names, and a busy machine. */
const SET_UP_MS = 120_000;
/** How soon nobody gets through to a revoked agent. */
const CUT_OFF_MS = 10_000;

const step = story();

let server;
let agent;
let app;
let admin;
let page;
let button;
let dialog;
let visit;
let secret;
let look;

before(async () => {
  [server, app] = await Promise.all([freshServer(), appAtHome()]);
  await comeIn(await server.admin());
});

after(async () => {
  await admin?.stop();
  await agent?.stop();
  await app?.stop();
  await server?.stop();
});

async function comeIn(browser) {
  admin = await openPanel(browser, server.isOurs);
  ({ page, button, dialog, visit, secret, look } = admin);
}

step("onboarding takes a fresh server into service, with certificates of an authority", async () => {
  await page.goto(server.origin);
  await page.getByRole("heading", { name: "Choose a domain" }).waitFor();
  await look("onboarding-domain");

  await page.getByLabel("Domain").fill("not a domain");
  await page.getByLabel("E-mail").fill("owner@example.com");
  await page.keyboard.press("Enter");
  await page.locator('[aria-invalid="true"]').waitFor();
  assert.equal(await page.getByLabel("E-mail").inputValue(), "owner@example.com", "what was typed stays");

  await page.getByLabel("Domain").fill(DOMAIN);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Point the domain here" }).waitFor();
  const goOn = button(`Set up ${DOMAIN}`);
  await goOn.and(page.locator(":enabled")).waitFor();
  await look("onboarding-dns");
  await goOn.click();
  await page.getByRole("heading", { name: `Setting up ${DOMAIN}` }).waitFor();
  // A reload loses nothing: neither the tasks nor, later, the password.
  await page.reload();
  await page.getByRole("heading", { name: `${DOMAIN} is in service` }).waitFor({ timeout: SET_UP_MS });
  await page.reload();
  await page.getByRole("img", { name: /QR code/ }).waitFor();
  await look("onboarding-done");
  assert.match(await secret("password"), /^\S{12,}$/);
  await page.getByRole("button", { name: /open the dashboard/ }).click();
  await page.getByRole("heading", { name: "Dashboard" }).waitFor();
  await look("dashboard-empty");
});

step("an agent enrols with the token of the panel, and a tunnel serves", async () => {
  await visit("Certificates");
  await page.getByRole("tab", { name: /Agents/ }).click();
  await page.getByRole("button", { name: /Enrol/ }).first().click();
  await page.getByLabel(/Label|Name/).fill("attic");
  await button("Make token").click();
  await page.getByText("Waiting for attic").waitFor();
  await look("agent-token");
  const token = await secret("token");
  agent = await server.agent(token, server.origin);
  await page.getByText("Waiting for attic").waitFor({ state: "hidden" });
  await button("Done").click();

  await visit("Tunnels");
  await button("Make tunnel").first().click();
  const form = dialog("Make a tunnel");
  await form.getByRole("textbox", { name: "Name" }).fill("auth");
  await form.locator('[aria-invalid="true"]').waitFor();
  await form.getByRole("textbox", { name: "Name" }).fill("wiki");
  await form.getByLabel("Port of the app").fill(String(app.port));
  await look("tunnel-create");
  await form.getByRole("button", { name: "Make tunnel" }).click();
  await form.waitFor({ state: "hidden", timeout: 60_000 });
  // The agent asks at home first.
  await page.getByText(`portlama agent allow ${app.port}`).first().waitFor();
  await look("tunnel-not-allowed");
  agent.allow(app.port);
  await page.keyboard.press("Escape");
  await page.getByRole("table", { name: "Tunnels" }).getByText("Serving").waitFor({ timeout: 30_000 });
  await look("tunnels");
});

step("somebody is invited, makes an account, and signs in to the app with a one-time code", async () => {
  await visit("Users");
  await button("Invite").click();
  await page.getByLabel("Username").fill("ada");
  await page.getByLabel("E-mail").fill("ada@example.com");
  await button("Make link").click();
  const link = await page.locator("code", { hasText: "/invite/" }).textContent();
  await look("invitation-link");
  await button("Done").click();

  const guest = await server.visitor();
  try {
    const theirs = guest.context.pages()[0];
    await theirs.goto(link);
    await theirs.locator("#password").fill("correct horse 9");
    await theirs.locator("#repeated").fill("correct horse 9");
    await theirs.keyboard.press("Enter");
    const key = theirs.locator(".key");
    const seed = (await key.textContent()).replaceAll(" ", "");
    const uri = `otpauth://totp/Portlama:ada?secret=${seed}`;

    await theirs.goto(`${server.host("wiki")}/`);
    await theirs.getByLabel("User name").fill("ada");
    await theirs.getByLabel("Password").fill("correct horse 9");
    await theirs.keyboard.press("Enter");
    await theirs.getByLabel("Six-digit code").fill(await freshCode(uri));
    await theirs.keyboard.press("Enter");
    await theirs.getByText("You are ada.").waitFor();
  } finally {
    await guest.stop();
  }
  await page.getByRole("tab", { name: /Invitations/ }).click();
  await page.getByText("accepted").waitFor();
  await look("invitations");
  await page.getByRole("tab", { name: /Users/ }).click();
  await page.getByText("ada@example.com").waitFor();
  await look("users");
});

step("a site is made, gets its files, and is visited", async () => {
  await visit("Sites");
  await button("Create site").first().click();
  await page.getByLabel("Name").fill("notes");
  await dialog("Create site").getByRole("button", { name: "Create site" }).click();
  await page.getByRole("heading", { level: 1, name: "notes" }).waitFor({ timeout: 60_000 });
  const file = join(server.folder, "index.html");
  writeFileSync(file, "<!doctype html><title>Notes</title><h1>My notes</h1>");
  await page.locator('input[type="file"][aria-label="Upload files"]').setInputFiles(file);
  await page.getByText("index.html").first().waitFor();
  await look("site");
  await page.getByRole("tab", { name: "Settings" }).click();
  await look("site-settings");
  await page.getByRole("link", { name: "All sites" }).click();
  await page.getByText("Live", { exact: true }).waitFor();
  await look("sites");

  const guest = await server.visitor();
  try {
    const theirs = guest.context.pages()[0];
    await theirs.goto(`${server.host("notes")}/`);
    await theirs.getByRole("heading", { name: "My notes" }).waitFor();
  } finally {
    await guest.stop();
  }
});

step("logs run live, with what happens at this moment", async () => {
  await visit("Services");
  await page.getByText("Live", { exact: true }).waitFor();
  await look("services");
  await button("Show the log of tunnel").click();
  await page.getByText("Live", { exact: true }).waitFor();
  const leaving = page.getByText(/carrier ended/);
  assert.equal(await leaving.count(), 0);
  await agent.stop();
  await leaving.first().waitFor();
  agent = agent.again();
  await button("Pause").click();
  await page.getByText(/^Paused/).waitFor();
  await button("Go on").click();
  await page.getByText("Live", { exact: true }).waitFor();
});

step("every other page opens, and says what is so", async () => {
  await visit("Audit log");
  await page.getByText("ada").first().waitFor();
  await look("audit");
  await visit("Guide", /./);
  await look("guide");
  await visit("Settings");
  await look("settings");
  await visit("Dashboard");
  await page.getByText("1 serving").waitFor();
  await page.locator(".recharts-surface").first().waitFor();
  await look("dashboard");
  await page.goto(`${server.origin}/nowhere`);
  await page.getByText("There is no such page").waitFor();
});

step("with two-factor sign-in on, a code is asked for, and lets in", async () => {
  await page.goto(`${server.origin}/settings`);
  await button("Turn on codes").click();
  await button("Show QR code").click();
  const seed = await secret("key");
  const uri = `otpauth://totp/Portlama:panel?secret=${seed.replaceAll(" ", "")}`;
  await look("two-factor");
  await page.getByLabel("Code from the authenticator app").fill(await freshCode(uri));
  await page.getByRole("dialog").getByRole("button", { name: "Turn on codes" }).click();
  await page.getByRole("dialog").waitFor({ state: "hidden" });

  await admin.context.clearCookies();
  await page.goto(server.origin);
  await page.getByRole("heading", { name: "One-time code" }).waitFor();
  await picture(page, "two-factor-code");
  await page.getByLabel("Code").fill("000000");
  await page.keyboard.press("Enter");
  await page.getByRole("status").or(page.locator("output")).filter({ hasText: /\S/ }).first().waitFor();
  await page.getByLabel("Code").fill(await freshCode(uri));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Dashboard" }).waitFor();

  await visit("Settings");
  await button("Turn off codes").click();
  await page.getByRole("dialog").getByLabel("Code from the authenticator app").fill(await freshCode(uri));
  await page.getByRole("dialog").getByRole("button", { name: "Turn off codes" }).click();
  await button("Turn on codes").waitFor();
});

step("the admin certificate is rotated, and the new one opens the panel", async () => {
  await visit("Certificates");
  await look("certificates");
  await page.getByRole("tab", { name: /Agents/ }).click();
  await page.getByText("attic").first().waitFor();
  await look("agents");
  await page.getByRole("tab", { name: /Panel/ }).click();
  await look("panel-access");
  await button("Rotate").click();
  await button("Make new certificate").click();
  const password = await secret("password");
  const saving = page.waitForEvent("download");
  await button("Save P12 file").click();
  const file = join(server.folder, "rotated.p12");
  await (await saving).saveAs(file);
  await look("certificate-rotated");
  admin.faults.none();
  await admin.stop();

  await comeIn(await server.admin({ file, password }));
  await page.goto(server.origin);
  await page.getByRole("heading", { name: "Dashboard" }).waitFor();
});

step("a revoked agent is cut off at once, and leaves the list", async () => {
  await visit("Tunnels");
  const tunnels = page.getByRole("table", { name: "Tunnels" });
  await tunnels.getByText("Serving").waitFor();
  await visit("Certificates");
  await page.getByRole("tab", { name: /Agents/ }).click();
  await button("Actions for attic").click();
  await page.getByRole("menuitem", { name: "Revoke" }).click();
  const question = page.getByRole("alertdialog", { name: "Revoke attic?" });
  await accessible(page);
  await question.getByRole("button", { name: "Revoke agent" }).click();
  await question.waitFor({ state: "hidden" });
  await page.getByText("No agents yet").waitFor();
  await page.getByLabel("Show revoked (1)").check();
  await page.getByRole("table", { name: "Agents" }).getByText("attic").waitFor();
  await look("agent-revoked");

  // Sooner than anything is asked again by itself.
  await visit("Tunnels");
  await tunnels.getByText(/No agent|Agent offline/).waitFor({ timeout: CUT_OFF_MS });
  await look("tunnel-without-agent");
  admin.faults.none();
});
