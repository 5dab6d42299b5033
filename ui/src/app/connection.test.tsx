import { act, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { refused, renderScreen, TestPlatform, unreachable } from "@/test-platform";

import { ConnectionBanner } from "./connection";
import { connection } from "./connection-state";

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
