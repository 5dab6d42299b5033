// The demo as a process, and Chromium as its visitor.
import { spawn, execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { chromium } from "playwright-core";

const START_LIMIT_MS = 60_000;

/** Starts `portlama demo --json` on free ports; resolves when it is ready. */
export async function startDemo() {
  const binary = process.env.PORTLAMA_BINARY;
  if (!binary) throw new Error("PORTLAMA_BINARY must name the portlama binary");
  const child = spawn(binary, ["demo", "--json", "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const line = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the demo was not ready in time")), START_LIMIT_MS);
    createInterface({ input: child.stdout }).once("line", (text) => {
      clearTimeout(timer);
      resolve(text);
    });
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`the demo ended with ${code}`));
    });
  });
  const ready = JSON.parse(await line);
  const stop = () =>
    new Promise((resolve) => {
      child.removeAllListeners("exit");
      child.once("exit", resolve);
      child.kill("SIGTERM");
    });
  return { ready, stop };
}

/**
 * Chromium with a profile of its own that trusts the demo's authority in the way a person
 * would tell it: nothing is told to ignore certificates.
 */
export async function startChromium(ready, options = {}) {
  const home = mkdtempSync(join(tmpdir(), "portlama-browser-"));
  const store = join(home, ".pki", "nssdb");
  mkdirSync(store, { recursive: true });
  execFileSync("certutil", ["-N", "-d", `sql:${store}`, "--empty-password"]);
  execFileSync("certutil", ["-A", "-d", `sql:${store}`, "-n", "portlama", "-t", "C,,", "-i", ready.caCert]);
  const context = await chromium.launchPersistentContext(join(home, "profile"), {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
    env: { ...process.env, HOME: home },
    ...options,
  });
  const stop = async () => {
    await context.close();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  return { context, home, stop };
}

let lastCode;

/** A code of the demo's user that was not used before; waits for the next one if need be. */
export async function freshCode(ready) {
  for (;;) {
    const code = codeAt(ready.totpUri, Math.floor(Date.now() / 30_000));
    if (code !== lastCode) {
      lastCode = code;
      return code;
    }
    await new Promise((resolve) => setTimeout(resolve, 30_050 - (Date.now() % 30_000)));
  }
}

/** RFC 6238 with SHA-1 and six digits. */
function codeAt(uri, step) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const digest = createHmac("sha1", base32(new URL(uri).searchParams.get("secret"))).update(counter).digest();
  const number = digest.readUInt32BE(digest[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

function base32(text) {
  const bits = [...text].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
}
