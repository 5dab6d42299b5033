import { useQuery } from "@tanstack/react-query";
import { act, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { Badge } from "@/components/badge";
import { QueryView } from "@/components/page-state";
import { clock } from "@/lib/format";
import { refused, renderScreen, TestPlatform, unreachable } from "@/test-platform";

import { ConnectionBanner } from "./connection";
import { connection } from "@/api/connection";
import { CrashPage } from "./crash-page";

const STATUS = "GET /api/onboarding/status";

beforeEach(() => void vi.useFakeTimers({ shouldAdvanceTime: true }));
afterEach(() => {
  vi.useRealTimers();
  connection.report("open");
});

test("a session that is over is said, and the page goes on once a code was entered elsewhere", async () => {
  const platform = new TestPlatform({ [STATUS]: refused(401, "2fa_required") });
  renderScreen(<ConnectionBanner />, { platform });
  act(() => connection.report("code-needed"));
  expect(screen.getByRole("link", { name: "Enter code" })).toHaveAttribute("target", "_blank");
  await act(() => vi.advanceTimersByTimeAsync(3000));
  expect(screen.getByRole("alert")).toBeVisible();
  platform.answers = { [STATUS]: { status: "COMPLETED" } };
  await act(() => vi.advanceTimersByTimeAsync(3000));
  expect(screen.queryByRole("alert")).not.toBeInTheDocument();
});

test("a server that comes back wanting a code is no lost connection any more", async () => {
  const platform = new TestPlatform({ [STATUS]: unreachable });
  renderScreen(<ConnectionBanner />, { platform });
  act(() => connection.report("lost"));
  await act(() => vi.advanceTimersByTimeAsync(3000));
  expect(screen.getByText(/can’t be reached/)).toBeVisible();
  platform.answers = { [STATUS]: refused(401, "2fa_required") };
  await act(() => vi.advanceTimersByTimeAsync(3000));
  expect(screen.getByText(/session is over/)).toBeVisible();
});

/** A part of a page below the banner, asked for anew every few seconds. */
function Watched() {
  const query = useQuery(queries.tunnels(useApi()));
  return (
    <>
      <ConnectionBanner />
      <QueryView query={query}>{({ tunnels }) => <Badge tone="good">{tunnels.length} tunnels</Badge>}</QueryView>
    </>
  );
}

/** Whether what says how things are now has lost that look. */
const isStale = (text: string) => screen.getByText(text).closest("[data-stale]") !== null;

const REVOKED = refused(403, "The client certificate was revoked", { certificate: "revoked" });
const HELP_PAGE = refused(400, undefined as never);
const TUNNELS = "GET /api/tunnels";

test.each([
  ["a revoked certificate", REVOKED],
  ["the help page in place of an answer", HELP_PAGE],
])("%s is said above what was found before, and not as if it were fresh", async (_, answer) => {
  const platform = new TestPlatform({ [TUNNELS]: { tunnels: [] } });
  renderScreen(<Watched />, { platform });
  expect(await screen.findByText("0 tunnels")).toBeVisible();
  const at = clock(Date.now(), Date.now());
  expect(isStale("0 tunnels")).toBe(false);
  platform.answers = { [TUNNELS]: answer, [STATUS]: answer };
  await act(() => vi.advanceTimersByTimeAsync(300_000));
  const words = `Your certificate is not valid here any more. What you see is as of ${at}.`;
  expect(screen.getByRole("alert")).toHaveTextContent(words);
  expect(isStale("0 tunnels")).toBe(true);
  expect(screen.getByRole("button", { name: "Load page anew" })).toBeVisible();
  expect(screen.getByText("0 tunnels")).toBeVisible();
  expect(screen.queryByText(/Not fresh/)).not.toBeInTheDocument();
});

/** A part that is asked for once, beside one that is asked for again and again. */
function Long() {
  useQuery(queries.twoFactor(useApi()));
  useQuery(queries.health(useApi()));
  return <Watched />;
}

test("the banner says how old the oldest of what is shown is", async () => {
  const platform = new TestPlatform({ [TUNNELS]: { tunnels: [] }, "GET /api/settings/2fa": { enabled: false }, "GET /api/health": {} });
  renderScreen(<Long />, { platform });
  expect(await screen.findByText("0 tunnels")).toBeVisible();
  const at = clock(Date.now(), Date.now());
  await act(() => vi.advanceTimersByTimeAsync(300_000));
  platform.answers = { [TUNNELS]: unreachable, [STATUS]: unreachable };
  await act(() => vi.advanceTimersByTimeAsync(30_000));
  expect(screen.getByRole("alert")).toHaveTextContent(`What you see is as of ${at};`);
});

test("an answer that fails leaves what was found before, and says since when and why it is old", async () => {
  const platform = new TestPlatform({ [TUNNELS]: { tunnels: [] } });
  renderScreen(<Watched />, { platform });
  const found = await screen.findByText("0 tunnels");
  platform.answers = { [TUNNELS]: refused(429, "Too many requests") };
  await act(() => vi.advanceTimersByTimeAsync(30_000));
  expect(screen.getByText(/^Not fresh since .+: Too many requests\.$/)).toBeVisible();
  expect(screen.getByText("0 tunnels")).toBe(found);
  expect(isStale("0 tunnels")).toBe(true);
  platform.answers = { [TUNNELS]: { tunnels: [] } };
  await act(() => vi.advanceTimersByTimeAsync(30_000));
  expect(screen.queryByText(/Not fresh/)).not.toBeInTheDocument();
  expect(isStale("0 tunnels")).toBe(false);
});

test.each([
  ["the certificate is refused", REVOKED, /certificate is not valid/],
  ["the server is away", unreachable, /can’t be reached/],
  ["all is well with the server", { status: "COMPLETED" }, /server was upgraded/],
])("a page that could not be loaded says that %s", async (_, answer, words) => {
  renderScreen(<CrashPage />, { answers: { [STATUS]: answer } });
  expect(await screen.findByText(words)).toBeVisible();
});
