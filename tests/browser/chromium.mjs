// Chromium as a person has it: a profile with a certificate store of its own.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

/**
 * Starts Chromium with a new profile. Nothing is told to ignore certificates.
 *
 * @param trusted PEM text or file of each authority that the person trusts
 * @param p12 a client certificate `{ file, password }` that the person has imported; which one is
 *   shown to whom, Chromium asks, and a policy answers (`cargo xtask test` sets it)
 * @param names where names lead, as in `*.lab.test 127.0.0.1`
 */
export async function startChromium({ trusted = [], p12, names, ...options } = {}) {
  const home = mkdtempSync(join(tmpdir(), "portlama-browser-"));
  const store = join(home, ".pki", "nssdb");
  mkdirSync(store, { recursive: true });
  execFileSync("certutil", ["-N", "-d", `sql:${store}`, "--empty-password"]);
  for (const [index, authority] of trusted.entries()) {
    const file = authority.startsWith("-----") ? join(home, `authority-${index}.pem`) : authority;
    if (file !== authority) writeFileSync(file, authority);
    execFileSync("certutil", ["-A", "-d", `sql:${store}`, "-n", `authority-${index}`, "-t", "C,,", "-i", file]);
  }
  if (p12) importP12(home, p12);
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
      ...(names ? [`--host-resolver-rules=MAP ${names}`] : []),
    ],
    env: { ...process.env, HOME: home },
    // Colours in the middle of a change are nobody's fault and hard to read.
    reducedMotion: "reduce",
    ...options,
  });
  const stop = async () => {
    await context.close();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  return { context, home, stop };
}

/** What a person does with the file that the server hands out. */
export function importP12(home, { file, password }) {
  execFileSync("pk12util", ["-i", file, "-d", `sql:${home}/.pki/nssdb`, "-W", password], { stdio: "ignore" });
}
