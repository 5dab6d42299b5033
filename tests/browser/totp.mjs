// One-time codes as an authenticator app makes them.
import { createHmac } from "node:crypto";

const STEP_MS = 30_000;
const lastSteps = new Map();

/**
 * A code that was not used before. The server takes that of the next step, too (RFC 6238 §5.2), so
 * this waits for a third alone.
 */
export async function freshCode(uri) {
  for (;;) {
    const present = Math.floor(Date.now() / STEP_MS);
    const step = Math.max(present, (lastSteps.get(uri) ?? 0) + 1);
    if (step <= present + 1) {
      lastSteps.set(uri, step);
      return codeAt(uri, step);
    }
    await new Promise((resolve) => setTimeout(resolve, STEP_MS + 50 - (Date.now() % STEP_MS)));
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
