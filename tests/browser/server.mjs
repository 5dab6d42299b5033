// A fresh server with a certificate authority of its own, and what stands around it: an agent, an
// app at home, the admin's browser. `PORTLAMA_TEST_ADDRESS` is where the server listens: loopback,
// or the address of a network namespace.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream";

import { startChromium } from "./chromium.mjs";
import { given, launch, start } from "./process.mjs";

export const DOMAIN = "lab.portlama.test";
const ADDRESS = process.env.PORTLAMA_TEST_ADDRESS ?? "127.0.0.1";

/**
 * A server as `server init` leaves it: the rest is done in the panel.
 *
 * @param seenAt the port at which the authority looks for the server, where something stands
 *   between them
 */
export async function freshServer({ seenAt } = {}) {
  const binary = given("PORTLAMA_BINARY");
  const folder = mkdtempSync(join(tmpdir(), "portlama-panel-"));
  const state = join(folder, "state");
  const httpsPort = await freePort();
  const authority = await start(given("PORTLAMA_TEST_AUTHORITY"), [ADDRESS, String(seenAt ?? httpsPort)]);
  const { directory, caFile, dns } = authority.ready;
  const options = ["--ip", ADDRESS, "--acme-directory", directory, "--acme-ca-file", caFile, "--resolver", dns];
  const made = JSON.parse(execFileSync(binary, ["server", "init", "--json", "--state-dir", state, ...options]));
  const running = await start(binary, [
    ...["server", "run", "--json", "--stop-with-stdin", "--state-dir", state, "--listen", ADDRESS],
    ...["--https-port", String(httpsPort), "--panel-port", "0"],
  ]);
  const trusted = [made.caCert, authority.ready.root];
  const p12 = { file: made.adminP12, password: readFileSync(made.adminP12PasswordFile, "utf8").trim() };
  const browse = (more) => startChromium({ trusted, names: `*.${DOMAIN} ${ADDRESS}`, ...more });
  return {
    folder,
    httpsPort,
    origin: `https://${ADDRESS}:${running.ready.panelPort}`,
    /** The address of a host below the domain. */
    host: (name) => `https://${name}.${DOMAIN}:${httpsPort}`,
    admin: (own = p12) => browse({ p12: own }),
    visitor: () => browse(),
    isOurs: (name) => name === ADDRESS || name === DOMAIN || name.endsWith(`.${DOMAIN}`),
    /** Joins as a machine at home does, with the token that the panel shows. */
    agent: async (token, panelUrl) => {
      const home = ["--home", join(folder, "agent")];
      execFileSync(binary, ["agent", "setup", "--panel-url", panelUrl, ...home], {
        env: { ...process.env, PORTLAMA_ENROLLMENT_TOKEN: token },
        stdio: ["ignore", "ignore", "inherit"],
      });
      const run = () => launch(binary, ["agent", "run", "--stop-with-stdin", ...home]);
      const allow = (port) => execFileSync(binary, ["agent", "allow", String(port), ...home], { stdio: "ignore" });
      return { ...run(), allow, again: run };
    },
    stop: async () => {
      await running.stop();
      await authority.stop();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** An app at home that says who the server says is there. */
export async function appAtHome() {
  const app = createServer((request, answer) => {
    answer.setHeader("content-type", "text/plain");
    answer.end(`This is the app. You are ${request.headers["remote-user"] ?? "nobody"}.`);
  });
  await new Promise((resolve) => app.listen(0, "127.0.0.1", resolve));
  return { port: app.address().port, stop: () => new Promise((resolve) => app.close(resolve)) };
}

/** A firewall before a server: until it is opened, whoever knocks is refused. */
export async function firewall() {
  const port = await freePort();
  let gate;
  return {
    port,
    open: (to) => {
      gate = createTcpServer((from) => pipeline(from, connect(to, ADDRESS), from, () => {}));
      return new Promise((resolve) => gate.listen(port, ADDRESS, resolve));
    },
    stop: () => new Promise((resolve) => (gate ? gate.close(resolve) : resolve())),
  };
}

/** Freed again, so another program may take it; the server then says so. */
function freePort() {
  return new Promise((resolve) => {
    const holder = createTcpServer();
    holder.listen(0, ADDRESS, () => {
      const { port } = holder.address();
      holder.close(() => resolve(port));
    });
  });
}
