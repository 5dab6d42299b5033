import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { refused, renderScreen } from "@/test-platform";

import { Component } from "./certificates";

const IN_A_YEAR = new Date(Date.now() + 365 * 86_400_000).toISOString();
const host = (domain: string, more = {}) => ({
  type: "letsencrypt",
  domain,
  path: `/etc/portlama/certificates/${domain}`,
  expiresAt: IN_A_YEAR,
  expiringSoon: false,
  status: "good",
  ...more,
});
const FAILURE = { message: "DNS problem: NXDOMAIN looking up A", since: IN_A_YEAR, nextTry: IN_A_YEAR };
const agent = (label: string, more = {}) => ({
  label,
  serial: `${label}0A1B`,
  capabilities: ["tunnels:read", "identity:read"],
  allowedSites: [],
  enrollmentMethod: "hardware-bound",
  createdAt: "2026-01-01T00:00:00.000Z",
  expiresAt: IN_A_YEAR,
  revoked: false,
  expiringSoon: false,
  ...more,
});
const answers = {
  "GET /api/certs": { certs: [host("app.example.com"), host("shop.example.com", { status: "failing", failure: FAILURE, attemptsLeft: 1 })] },
  "GET /api/certs/auto-renew-status": { active: true },
  "GET /api/certs/admin/auth-mode": { adminAuthMode: "p12" },
  "GET /api/certs/agent": { agents: [agent("attic"), agent("camera", { enrollmentMethod: "p12" }), agent("old", { revoked: true })] },
  "GET /api/sites": { sites: [{ id: "1", name: "handbook", fqdn: "handbook.example.com" }] },
};

test("a host in trouble stands first, in the authority's own words; a refused renewal says why", async () => {
  const renew = refused(502, "There is no new certificate, and what was there stays", "CAA forbids it");
  renderScreen(<Component />, { answers: { ...answers, "POST /api/certs/shop.example.com/renew": renew } });
  const [, first] = await screen.findAllByRole("row");
  expect(first).toHaveTextContent("shop.example.com");
  expect(first).toHaveTextContent("DNS problem: NXDOMAIN looking up A.");
  expect(first).toHaveTextContent("1 try left within the hour");
  await userEvent.click(screen.getByRole("button", { name: "Renew the certificate of shop.example.com" }));
  expect(await screen.findByText(/what was there stays. CAA forbids it/)).toBeVisible();
});

const ROTATED = { ok: true, p12: "AP8=", p12Password: "ab".repeat(16), serial: "0C0D", expiresAt: IN_A_YEAR, warning: "The old one lives on." };

test("the file of a rotation comes from the answer: the route is shut when the old certificate is dead", async () => {
  const { platform } = renderScreen(<Component />, { answers: { ...answers, "POST /api/certs/mtls/rotate": ROTATED }, at: "/?tab=access" });
  await userEvent.click(await screen.findByRole("button", { name: "Rotate" }));
  await userEvent.click(screen.getByRole("radio", { name: /^At once/ }));
  const before = platform.sent("GET", "/api/certs").length;
  await userEvent.click(screen.getByRole("button", { name: "Make new certificate" }));
  expect(await screen.findByText("0C0D")).toBeVisible();
  expect(platform.sent("POST", "/api/certs/mtls/rotate")).toEqual([{ revokeNow: true }]);
  expect(platform.sent("GET", "/api/certs")).toHaveLength(before);

  // Neither Escape nor a hasty click throws the password away.
  await userEvent.keyboard("{Escape}");
  await userEvent.click(screen.getByRole("button", { name: "Done" }));
  expect(screen.getByText(/nobody can open this panel/)).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
  await userEvent.click(screen.getByRole("button", { name: "Save P12 file" }));
  expect(platform.savedBytes).toEqual([{ fileName: "client.p12", bytes: new Uint8Array([0, 255]) }]);
  expect(platform.downloads).toEqual([]);
  await userEvent.click(await screen.findByRole("button", { name: "Done" }));
  expect(screen.queryByText("0C0D")).toBeNull();
});

test("a key that is bound to hardware can't be downloaded, rotated or moved", async () => {
  renderScreen(<Component />, { answers: { ...answers, "GET /api/certs/admin/auth-mode": { adminAuthMode: "hardware-bound" } }, at: "/?tab=access" });
  expect(await screen.findByText("Bound to your hardware")).toBeVisible();
  expect(screen.queryByRole("button", { name: /Rotate|Download|Move/ })).toBeNull();
});

test("a private key in place of a request never leaves the window", async () => {
  const { platform } = renderScreen(<Component />, { answers, at: "/?tab=access" });
  await userEvent.click(await screen.findByRole("button", { name: "Move to hardware" }));
  await userEvent.click(screen.getByRole("textbox"));
  await userEvent.paste("-----BEGIN PRIVATE KEY-----");
  await userEvent.click(screen.getByRole("button", { name: "Move key to hardware" }));
  expect(await screen.findByText(/must never leave your machine/)).toBeVisible();
  expect(platform.requests.every(({ method }) => method === "GET")).toBe(true);
});

const openMenu = async (label: string, item: string) => {
  await userEvent.click(await screen.findByRole("button", { name: `Actions for ${label}` }));
  await userEvent.click(await screen.findByRole("menuitem", { name: item }));
};

test("only what changed of an agent's rights is sent, and what the form does not know is kept", async () => {
  const done = { ok: true, label: "attic", capabilities: [], allowedSites: [] };
  const routes = { "PATCH /api/certs/agent/attic/capabilities": done, "PATCH /api/certs/agent/attic/allowed-sites": done };
  const { platform } = renderScreen(<Component />, { answers: { ...answers, ...routes }, at: "/?tab=agents" });
  await openMenu("attic", "Change rights and sites");
  await userEvent.click(screen.getByRole("checkbox", { name: /^Read the files/ }));
  await userEvent.click(await screen.findByRole("checkbox", { name: "handbook.example.com" }));
  await userEvent.click(screen.getByRole("button", { name: "Save rights" }));
  expect(await screen.findByText("The rights of attic were saved.")).toBeVisible();
  expect(platform.requests.filter(({ method }) => method === "PATCH").map(({ path, body }) => [path, body])).toEqual([
    ["/api/certs/agent/attic/capabilities", { capabilities: ["tunnels:read", "sites:read", "identity:read"] }],
    ["/api/certs/agent/attic/allowed-sites", { allowedSites: ["handbook"] }],
  ]);
});

test("of rights that are saved by half is said which half, and another try sends the rest alone", async () => {
  const agents = (capabilities: string[]) => ({ agents: [agent("attic", { capabilities })] });
  const { platform } = renderScreen(<Component />, { answers: { ...answers, "GET /api/certs/agent": agents(["tunnels:read"]) }, at: "/?tab=agents" });
  Object.assign(platform.answers, {
    "PATCH /api/certs/agent/attic/capabilities": () => {
      platform.answers["GET /api/certs/agent"] = agents(["tunnels:read", "sites:read"]);
      return { ok: true, label: "attic", capabilities: [] };
    },
    "PATCH /api/certs/agent/attic/allowed-sites": refused(507, "The disk is full"),
  });
  await openMenu("attic", "Change rights and sites");
  await userEvent.click(screen.getByRole("checkbox", { name: /^Read the files/ }));
  await userEvent.click(await screen.findByRole("checkbox", { name: "handbook.example.com" }));
  const save = screen.getByRole("button", { name: "Save rights" });
  await userEvent.click(save);
  expect(await screen.findByText("The disk is full.")).toBeVisible();
  expect(screen.getByText("What attic may do is as chosen above; its sites are as they were.")).toBeVisible();
  await waitFor(() => expect(save).toBeEnabled());
  await userEvent.click(save);
  await waitFor(() => expect(platform.sent("PATCH", "/api/certs/agent/attic/allowed-sites")).toHaveLength(2));
  expect(platform.sent("PATCH", "/api/certs/agent/attic/capabilities")).toHaveLength(1);
});

test("revoking an agent is asked about, and only a P12 agent's file can be downloaded", async () => {
  const { platform } = renderScreen(<Component />, { answers: { ...answers, "DELETE /api/certs/agent/attic": { ok: true, label: "attic" } }, at: "/?tab=agents" });
  await openMenu("camera", "Download P12 file");
  expect(platform.downloads).toEqual([{ path: "/api/certs/agent/camera/download", fileName: "camera.p12" }]);
  await openMenu("attic", "Revoke");
  expect(platform.sent("DELETE", "/api/certs/agent/attic")).toHaveLength(0);
  await userEvent.click(within(screen.getByRole("alertdialog")).getByRole("button", { name: "Revoke agent" }));
  await waitFor(() => expect(platform.sent("DELETE", "/api/certs/agent/attic")).toHaveLength(1));
  await userEvent.click(screen.getByRole("button", { name: "Actions for attic" }));
  expect(screen.queryByRole("menuitem", { name: "Download P12 file" })).toBeNull();
});
