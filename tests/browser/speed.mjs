// How soon the panel can be used, and how a long list scrolls: `cargo xtask page-speed`. Figures, no
// verdicts: machines differ.
import { startChromium } from "./chromium.mjs";
import { startDemo } from "./demo.mjs";

const LOADS = 15;
const CPU_SLOWDOWN = 4;
const ROWS = 1000;
const SCROLL_STEPS = 120;
const PIXELS_A_STEP = 60;

const demo = await startDemo();
const { ready } = demo;
const p12 = { file: ready.adminP12, password: ready.adminP12Password };
const { context, stop } = await startChromium({ trusted: [ready.caCert], p12 });
try {
  const page = context.pages()[0];
  const cdp = await context.newCDPSession(page);
  await cdp.send("Network.enable");
  await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: CPU_SLOWDOWN });
  tell(`dashboard usable, ms, ${CPU_SLOWDOWN}x CPU slow-down, empty cache`, await loads(page));
  tell(`frames while ${ROWS} tunnels scroll, ms, ${CPU_SLOWDOWN}x CPU slow-down`, await frames(page));
} finally {
  await stop();
  await demo.stop();
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

/** Times between frames, while one tunnel of the demo stands a thousand times in the list. */
async function frames(page) {
  await page.route("**/api/tunnels", async (route) => {
    const answer = await route.fetch();
    const { tunnels } = await answer.json();
    const [one] = tunnels;
    const many = Array.from({ length: ROWS }, (_, n) => ({
      ...one,
      id: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
      subdomain: `app-${n}`,
      fqdn: `app-${n}.${ready.domain}`,
    }));
    await route.fulfill({ response: answer, json: { tunnels: many } });
  });
  await page.goto(`${ready.panelUrl}/tunnels`);
  await page.getByText("app-3", { exact: false }).first().waitFor();
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
