import { act, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";

import type { Agent, Tunnel } from "@/api/schema";
import { refused, renderScreen, TestPlatform, type Answers } from "@/test-platform";

import { Component as Dashboard } from "./dashboard";

const AGENT = { label: "attic", serial: "1", revoked: false, connected: true, expiresAt: "2100-01-01T00:00:00Z" } as Agent;
const TUNNEL = { id: "1", fqdn: "wiki.lab.example.org", enabled: true, status: "agent_offline", statusDetail: "gone" } as Tunnel;

function show(answers: Answers) {
  const platform = new TestPlatform({
    "GET /api/system/stats": {
      cpu: { usage: 12.5, cores: 2 },
      memory: { used: 1, free: 1, total: 2 },
      disk: { used: 1, free: 1, total: 2 },
      uptime: 60,
      process: { memory: 1 },
    },
    "GET /api/services": { services: [] },
    "GET /api/certs": { certs: [] },
    "GET /api/audit": { entries: [] },
    "GET /api/tunnels": { tunnels: [TUNNEL] },
    "GET /api/certs/agent": { agents: [AGENT] },
    ...answers,
  });
  renderScreen(<Dashboard />, { platform });
  return platform;
}

test("a tunnel that does not serve is named with its reason", async () => {
  show({});
  expect(await screen.findByText("1 not serving")).toBeVisible();
  expect(screen.getByText("Gone.")).toBeVisible();
  expect(screen.queryByText("First steps")).not.toBeInTheDocument();
});

test("a server without agents says how to begin, a revoked one counts for nothing", async () => {
  show({ "GET /api/certs/agent": { agents: [{ ...AGENT, revoked: true }] } });
  expect(await screen.findByText("First steps")).toBeVisible();
  expect(screen.getByRole("button", { name: "Enrol agent" })).toBeVisible();
});

test("one part that fails leaves the others as they are", async () => {
  show({ "GET /api/services": refused(500, "The list could not be made") });
  expect(await screen.findByText("The list could not be made.")).toBeVisible();
  expect(screen.getByText("12.5 %")).toBeVisible();
});

test("figures that the server gives no more say since when, and lose the look of fresh ones", async () => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
  try {
    const platform = show({});
    const figure = await screen.findByText("12.5 %");
    platform.answers["GET /api/system/stats"] = refused(429, "Too many requests");
    await act(() => vi.advanceTimersByTimeAsync(10_000));
    expect(screen.getByText(/^Not fresh since .+: Too many requests\.$/)).toBeVisible();
    expect(screen.getByText("12.5 %")).toBe(figure);
    expect(figure.closest("[data-stale]")).not.toBeNull();
    expect(screen.getByText("1 not serving").closest("[data-stale]")).toBeNull();
  } finally {
    vi.useRealTimers();
  }
});
