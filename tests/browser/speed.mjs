// How soon the panel can be used, and how a long list scrolls: `cargo xtask page-speed`. Figures, no
// verdicts: machines differ.
import { startChromium } from "./chromium.mjs";
import { startDemo } from "./demo.mjs";

const LOADS = 15;
const CPU_SLOWDOWN = 4;
const ROWS = 1000;
const SCROLL_STEPS = 120;
const PIXELS_A_STEP = 60;

/** All of it, on a machine that does other things as well. */
const LIMIT_MS = 150_000;

// Demo and Chromium end with this process.
const late = setTimeout(() => {
  console.error(`page-speed: not done after ${LIMIT_MS / 1000} s`);
  process.exit(1);
}, LIMIT_MS);

const demo = await startDemo();
const { ready } = demo;
let browser;
try {
  const p12 = { file: ready.adminP12, password: ready.adminP12Password };
  browser = await startChromium({ trusted: [ready.caCert], p12 });
  const page = browser.context.pages()[0];
  const cdp = await browser.context.newCDPSession(page);
  const slowDown = (rate) => cdp.send("Emulation.setCPUThrottlingRate", { rate });
  await cdp.send("Network.enable");
  await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
  await slowDown(CPU_SLOWDOWN);
  tell(`dashboard usable, ms, ${CPU_SLOWDOWN}x CPU slow-down, empty cache`, await loads(page));
  await page.addInitScript(multiply, ROWS);
  for (const rate of [CPU_SLOWDOWN, 1]) {
    await slowDown(rate);
    tell(`frames while ${ROWS} tunnels scroll, ms, ${rate}x CPU slow-down`, await frames(page));
  }
} finally {
  await browser?.stop();
  await demo.stop();
  clearTimeout(late);
}

/** From the start of the navigation until the measured state of the demo's tunnel can be read. */
async function loads(page) {
  await page.addInitScript(() => {
    const watch = () => {
      if (document.body?.innerText.includes("1 serving")) globalThis.usable = performance.now();
      else requestAnimationFrame(watch);
    };
    requestAnimationFrame(watch);
  });
  const times = [];
  for (let load = 0; load < LOADS; load += 1) {
    await page.goto(ready.panelUrl);
    times.push(await (await page.waitForFunction(() => globalThis.usable)).jsonValue());
  }
  return times;
}

/**
 * In the page: the first tunnel of the server's answer stands so many times in it. Only the page
 * has the certificate that the server asks for, so the answer is changed there.
 */
function multiply(rows) {
  const ask = globalThis.fetch;
  globalThis.fetch = async (...request) => {
    const answer = await ask(...request);
    if (new URL(answer.url).pathname !== "/api/tunnels") return answer;
    const [one] = (await answer.json()).tunnels;
    const domain = one.fqdn.slice(one.subdomain.length);
    const tunnels = Array.from({ length: rows }, (_, n) => ({
      ...one,
      id: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
      subdomain: `app-${n}`,
      fqdn: `app-${n}${domain}`,
    }));
    return Response.json({ tunnels });
  };
}

/** Times between frames while the list goes by, once it knows every row. */
async function frames(page) {
  await page.goto(`${ready.panelUrl}/tunnels`);
  // The head is a row of its own.
  await page.locator(`[role="table"][aria-rowcount="${ROWS + 1}"]`).waitFor();
  return page.evaluate(
    ([steps, pixels]) =>
      new Promise((resolve) => {
        const times = [];
        let last = performance.now();
        const step = (now) => {
          times.push(now - last);
          last = now;
          window.scrollBy(0, pixels);
          if (times.length < steps) requestAnimationFrame(step);
          else resolve(times.slice(1));
        };
        requestAnimationFrame(step);
      }),
    [SCROLL_STEPS, PIXELS_A_STEP],
  );
}

function tell(what, times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(0);
  console.log(`${what}: median ${at(0.5)}, least ${at(0)}, 95 of 100 within ${at(0.95)}, most ${at(1)}`);
}
