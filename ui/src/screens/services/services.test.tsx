import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";

import { refused, renderScreen, type TestPlatform } from "@/test-platform";

import { Component } from "./services";

const SERVICES = [
  { name: "edge", status: "active", uptime: "3d 4h", actions: ["reload"] },
  { name: "portlama-panel", status: "active", uptime: "3d 4h", actions: ["start", "restart"] },
  { name: "fail2ban", status: "failed", detail: "exit code 3", actions: ["start", "stop", "restart", "reload"] },
  { name: "systemd-timesyncd", status: "active", actions: ["start", "stop", "restart"] },
];
const answers = {
  "GET /api/services": { services: SERVICES },
  "POST /api/services/edge/reload": { ok: true, name: "edge", action: "reload" },
  "POST /api/services/systemd-timesyncd/stop": refused(500, "`stop systemd-timesyncd` failed", "Unit is masked"),
};

beforeEach(() => {
  // jsdom lays nothing out, and a list without height shows no line.
  vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(600);
});

const row = async (name: string) => {
  const title = await within(await screen.findByRole("table")).findByText(name);
  return within(title.closest("[role=row]") as HTMLElement);
};

test("a service offers what makes sense as it is, and says why it failed", async () => {
  renderScreen(<Component />, { answers });
  const fail2ban = await row("fail2ban");
  expect(fail2ban.getByText("Failed")).toBeVisible();
  expect(fail2ban.getByText("Exit code 3.")).toBeVisible();
  expect(fail2ban.getByRole("button", { name: "Start fail2ban" })).toBeEnabled();
  expect(fail2ban.queryByRole("button", { name: "Stop fail2ban" })).toBeNull();
  expect((await row("portlama-panel")).queryByRole("button", { name: /^Stop/ })).toBeNull();
});

test("what costs nothing is done at once, and the list is asked anew", async () => {
  const { platform } = renderScreen(<Component />, { answers });
  await userEvent.click((await row("edge")).getByRole("button", { name: "Reload edge" }));
  expect(await screen.findByText("edge was reloaded.")).toBeVisible();
  await waitFor(() => expect(platform.sent("GET", "/api/services").length).toBeGreaterThan(1));
});

test("a stop is asked about first, and its failure is told where it was asked", async () => {
  const { platform } = renderScreen(<Component />, { answers });
  await userEvent.click((await row("systemd-timesyncd")).getByRole("button", { name: "Stop systemd-timesyncd" }));
  expect(platform.requests.every(({ method }) => method === "GET")).toBe(true);
  const dialog = within(screen.getByRole("alertdialog"));
  await userEvent.click(dialog.getByRole("button", { name: "Stop systemd-timesyncd" }));
  expect(await dialog.findByText(/failed. Unit is masked/)).toBeVisible();
});

const lines = (platform: TestPlatform, ...messages: string[]) =>
  act(() => {
    for (const message of messages) platform.sockets.at(-1)?.send({ timestamp: "2026-01-02T03:04:05.000Z", message, level: "info" });
  });

test("the log of the service in the address is shown, pauses, and is searched", async () => {
  const { platform } = renderScreen(<Component />, { answers, at: "/services?log=fail2ban" });
  await screen.findByRole("log", { name: "Log of fail2ban" });
  expect(platform.sockets.at(-1)?.path).toBe("/api/services/fail2ban/logs");
  act(() => platform.sockets.at(-1)?.open());
  lines(platform, "ban 198.51.100.7", "unban 198.51.100.8");
  expect(await screen.findByText("ban 198.51.100.7")).toBeVisible();

  await userEvent.click(screen.getByRole("button", { name: "Pause" }));
  lines(platform, "came later");
  expect(await screen.findByText("Paused, 1 line waiting")).toBeVisible();
  expect(screen.queryByText("came later")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Go on" }));
  expect(await screen.findByText("came later")).toBeVisible();

  await userEvent.type(screen.getByRole("searchbox", { name: "Search in the log" }), "LATER");
  await waitFor(() => expect(screen.queryByText("ban 198.51.100.7")).toBeNull());
  expect(screen.getByText("later")).toHaveRole("mark");

  await userEvent.click(screen.getByRole("button", { name: "Download log" }));
  expect(platform.saved[0]?.fileName).toMatch(/^fail2ban-.*\.log$/);
  expect(platform.saved[0]?.text).toContain("INFO  ban 198.51.100.7\n");
});

test("a lost stream says so and is taken up again without repeating itself", async () => {
  const { platform } = renderScreen(<Component />, { answers });
  await screen.findByRole("log");
  act(() => platform.sockets.at(-1)?.open());
  lines(platform, "first");
  await screen.findByText("first");
  act(() => platform.sockets.at(-1)?.end());
  await userEvent.click(await screen.findByRole("button", { name: "Try now" }));
  const again = platform.sockets.at(-1);
  act(() => again?.open());
  lines(platform, "first", "second");
  expect(await screen.findByText("second")).toBeVisible();
  expect(screen.getAllByText("first")).toHaveLength(1);
  expect(screen.getByText("The connection was lost here; no line is missing")).toBeVisible();
});

test("choosing another log ends the first stream and stands in the address", async () => {
  const { platform, router } = renderScreen(<Component />, { answers, at: "/?log=edge" });
  await screen.findByRole("log", { name: "Log of edge" });
  const first = platform.sockets.at(-1);
  await userEvent.selectOptions(screen.getByRole("combobox", { name: "Service whose log is shown" }), "portlama-panel");
  expect(await screen.findByRole("log", { name: "Log of portlama-panel" })).toBeVisible();
  expect(first?.closed).toBe(true);
  expect(router.state.location.search).toBe("?log=portlama-panel");
});
