// Programs that tests start, and that end with them.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const START_LIMIT_MS = 60_000;
/** Longer than a server lets its connections end. */
const STOP_LIMIT_MS = 40_000;

/** A path that the suite hands over. */
export function given(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run \`cargo xtask test --only browser\``);
  return value;
}

/**
 * Starts a program; `stop` ends it and waits. It ends with this process in any case: the kernel
 * tells it to.
 */
export function launch(program, args) {
  const child = spawn("setpriv", ["--pdeathsig", "TERM", "--", program, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const stop = () =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
      child.once("exit", () => {
        clearTimeout(timer);
        resolve();
      });
      child.stdin.end();
      child.kill("SIGTERM");
    });
  return { child, stop };
}

/** The same for a program that writes one line of JSON when it is ready. */
export async function start(program, args) {
  const { child, stop } = launch(program, args);
  const ready = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${program} ${args[0]} was not ready in time`)), START_LIMIT_MS);
    createInterface({ input: child.stdout }).once("line", (text) => {
      clearTimeout(timer);
      resolve(JSON.parse(text));
    });
    child.once("error", reject);
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`${program} ${args[0]} ended with ${code}`));
    });
  });
  return { ready, stop };
}
