// Files and folders dragged from the desktop into a site.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";

import { startChromium } from "./chromium.mjs";
import { startDemo } from "./demo.mjs";
import { openPanel } from "./panel.mjs";
import { story } from "./story.mjs";

const FILM_BYTES = 6 * 1024 * 1024;
const SLOW_BYTES_A_SECOND = 1024 * 1024;

const step = story();

let demo;
let admin;
let desktop;

before(async () => {
  desktop = mkdtempSync(join(tmpdir(), "portlama-desktop-"));
  demo = await startDemo();
  const { caCert, adminP12, adminP12Password, domain } = demo.ready;
  const p12 = { file: adminP12, password: adminP12Password };
  const isOurs = (host) => host === "127.0.0.1" || host.endsWith(domain);
  admin = await openPanel(await startChromium({ trusted: [caCert], p12 }), isOurs);
});

after(async () => {
  await admin?.stop();
  await demo?.stop();
  rmSync(desktop, { recursive: true, force: true });
});

/** Puts a file on the desktop, in folders if its name says so. */
function put(name, content) {
  const path = join(desktop, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content);
}

/** What the system tells Chromium when somebody drags files over its window. */
async function dragging(names) {
  const { page, context } = admin;
  const cdp = await context.newCDPSession(page);
  const box = await page.getByText(/^Drop files or whole folders here/).boundingBox();
  const data = { items: [], files: names.map((name) => join(desktop, name)), dragOperationsMask: 1 };
  const event = (type) => cdp.send("Input.dispatchDragEvent", { type, x: box.x + 20, y: box.y + 5, data });
  return { enter: () => event("dragEnter"), over: () => event("dragOver"), leave: () => event("dragCancel"), drop: () => event("drop") };
}

async function drop(...names) {
  const drag = await dragging(names);
  await drag.enter();
  await drag.over();
  await drag.drop();
}

const files = () => admin.page.getByRole("table", { name: /^Files of/ });

step("a folder that is dropped becomes the site, without its hidden files", async () => {
  const { page, button, dialog, look, visit } = admin;
  put("handbook/index.html", "<!doctype html><title>Handbook</title><h1>The handbook</h1><img alt='' src='pictures/dot.svg'>");
  put("handbook/pictures/dot.svg", '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>');
  put("handbook/.cache/notes", "not for the web");
  await page.goto(demo.ready.panelUrl);
  await visit("Sites");
  await button("Create site").first().click();
  await dialog("Create site").getByLabel("Name").fill("handbook");
  await dialog("Create site").getByRole("button", { name: "Create site" }).click();
  await page.getByRole("heading", { level: 1, name: "handbook" }).waitFor({ timeout: 60_000 });

  const drag = await dragging(["handbook"]);
  await drag.enter();
  await drag.over();
  await page.getByText("Drop files and folders to upload them into handbook").waitFor();
  await look("site-drag");
  await drag.drop();
  await dialog("Is handbook the whole site?").getByRole("button", { name: "Upload its content" }).click();
  await files().getByText("index.html").waitFor();
  await files().getByRole("link", { name: /pictures/ }).waitFor();
  await page.getByText("1 name that begins with a dot was left out").waitFor();
  await page.getByText("2 files uploaded.").waitFor();
  await look("site-uploaded");

  const theirs = await admin.context.newPage();
  const picture = theirs.waitForResponse(/pictures\/dot\.svg$/);
  await theirs.goto(`https://handbook.${demo.ready.domain}:${demo.ready.httpsPort}/`);
  await theirs.getByRole("heading", { name: "The handbook" }).waitFor();
  assert.equal((await picture).status(), 200);
  await theirs.close();
});

step("an upload shows how far it has come, is cancelled, and tried again", async () => {
  const { page, button, look } = admin;
  put("film.mp4", Buffer.alloc(FILM_BYTES, 7));
  await button("Close").click();
  const network = await slowNetwork();
  await drop("film.mp4");
  const bar = page.getByRole("progressbar", { name: "film.mp4" });
  await bar.waitFor();
  const share = async () => Number(await bar.getAttribute("aria-valuenow"));
  const seen = [await share()];
  while (new Set(seen).size < 3) {
    await page.waitForTimeout(100);
    seen.push(await share());
  }
  assert.deepEqual(seen, seen.toSorted((a, b) => a - b), "it never goes back");
  assert.ok(seen.at(-1) < 100, `${seen}`);
  await look("site-uploading");

  await button("Cancel film.mp4").click();
  await page.getByText("The upload was cancelled.").waitFor();
  await network.fast();
  assert.equal(await files().getByText("film.mp4").count(), 0);
  await button("Try film.mp4 again").click();
  await page.getByText("1 file uploaded.").waitFor();
  await files().getByText("film.mp4").waitFor();
  await files().getByText("6 MiB", { exact: true }).waitFor();
});

step("what has no place in a site is refused by name, and the rest arrives", async () => {
  const { page, button, look } = admin;
  put("good.css", "h1 { color: teal }");
  put("bad.php", "<?php");
  await button("Close").click();
  await drop("good.css", "bad.php");
  await page.getByText("1 file uploaded. 1 file failed.").waitFor();
  await page.getByRole("list", { name: "Files" }).getByText("bad.php").first().waitFor();
  await files().getByText("good.css").waitFor();
  await look("site-upload-refused");
  admin.faults.none();
});

/** A line that takes some seconds for the film. */
async function slowNetwork() {
  const cdp = await admin.context.newCDPSession(admin.page);
  await cdp.send("Network.enable");
  const set = (uploadThroughput) =>
    cdp.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput });
  await set(SLOW_BYTES_A_SECOND);
  return { fast: () => set(-1) };
}
