import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import type { Agent, Tunnel } from "@/api/schema";
import { refused, renderScreen, SERVER, type Answers } from "@/test-platform";

import { Component as Tunnels } from "./tunnels";

// Whole forms in jsdom take seconds on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const WIKI: Tunnel = {
  id: "7b0c1f6e-0000-4000-8000-000000000001",
  subdomain: "wiki",
  fqdn: "wiki.lab.example.org",
  port: 8400,
  type: "app",
  accessMode: "authenticated",
  agentLabel: "attic",
  enabled: true,
  createdAt: "2026-01-01T00:00:00.000Z",
  status: "serving",
  traffic: { bytesIn: 0, bytesOut: 0, requests: 0 },
};
const agent = (label: string) => ({ label, serial: label, revoked: false, connected: true }) as Agent;

function show(answers: Answers = {}) {
  return renderScreen(<Tunnels />, {
    answers: {
      "GET /api/tunnels": { tunnels: [WIKI] },
      "GET /api/sites": { sites: [] },
      "GET /api/certs/agent": { agents: [agent("attic")] },
      "GET /api/onboarding/status": SERVER,
      ...answers,
    },
    at: "/tunnels",
  });
}

async function openForm() {
  const user = userEvent.setup({ delay: null });
  await screen.findByText("wiki.lab.example.org");
  await user.click(screen.getByRole("button", { name: "Make tunnel" }));
  const form = within(await screen.findByRole("dialog"));
  return { user, form };
}

test("a taken name is refused while it is typed, with its reason", async () => {
  show();
  const { user, form } = await openForm();
  await user.type(form.getByRole("textbox", { name: "Name" }), "wiki");
  expect(await form.findByText(/leads to port 8400 of attic/)).toBeVisible();
});

test("a new tunnel needs a sign-in unless everybody was chosen, and shows what is left to do", async () => {
  const made = { ...WIKI, id: "2", subdomain: "notes", fqdn: "notes.lab.example.org", port: 8401, status: "not_allowed_at_home" };
  const { platform } = show({ "POST /api/tunnels": { ok: true, tunnel: made } });
  const { user, form } = await openForm();
  await user.type(form.getByRole("textbox", { name: "Name" }), "notes");
  await user.type(form.getByRole("textbox", { name: "Port of the app" }), "8401");
  await user.click(form.getByRole("button", { name: "Make tunnel" }));
  expect(await screen.findByText("portlama agent allow 8401")).toBeVisible();
  expect(platform.sent("POST", "/api/tunnels")).toMatchObject([
    { subdomain: "notes", port: 8401, accessMode: "authenticated" },
  ]);
});

test("the server's refusal stands at the field it is about, and what was typed stays", async () => {
  show({ "POST /api/tunnels": refused(400, "The port is in use by another tunnel of this agent") });
  const { user, form } = await openForm();
  await user.type(form.getByRole("textbox", { name: "Name" }), "notes");
  const port = form.getByRole("textbox", { name: "Port of the app" });
  await user.type(port, "8401");
  await user.click(form.getByRole("button", { name: "Make tunnel" }));
  await waitFor(() => expect(port).toHaveAccessibleDescription(/in use by another tunnel/));
  expect(form.getByRole("textbox", { name: "Name" })).toHaveValue("notes");
});

test("with several agents, one must be chosen, and each has ports of its own", async () => {
  const { platform } = show({ "GET /api/certs/agent": { agents: [agent("attic"), agent("cellar")] } });
  const { user, form } = await openForm();
  await user.type(form.getByRole("textbox", { name: "Name" }), "notes");
  await user.type(form.getByRole("textbox", { name: "Port of the app" }), "8400");
  await user.click(form.getByRole("button", { name: "Make tunnel" }));
  expect(await form.findByText("Choose the agent.")).toBeVisible();
  expect(platform.sent("POST", "/api/tunnels")).toEqual([]);
  await user.selectOptions(form.getByRole("combobox", { name: "Agent" }), "attic");
  expect(await form.findByText(/wiki.lab.example.org has this port of attic/)).toBeVisible();
  await user.selectOptions(form.getByRole("combobox", { name: "Agent" }), "cellar");
  await waitFor(() => expect(form.queryByText(/has this port/)).not.toBeInTheDocument());
});

test("a switch moves at once and goes back when the server refuses", async () => {
  let refuse: () => void = () => undefined;
  const answer = new Promise((resolve) => (refuse = () => resolve(refused(500, "The state step failed"))));
  show({ [`PATCH /api/tunnels/${WIKI.id}`]: () => answer });
  const toggle = await screen.findByRole("switch", { name: "wiki.lab.example.org is on" });
  await userEvent.click(toggle);
  await waitFor(() => expect(toggle).not.toBeChecked());
  refuse();
  await waitFor(() => expect(toggle).toBeChecked());
  expect(await screen.findByText("The state step failed.")).toBeVisible();
});

test("nothing is deleted before it was confirmed", async () => {
  const { platform } = show({ [`DELETE /api/tunnels/${WIKI.id}`]: { ok: true } });
  const user = userEvent.setup({ delay: null });
  await user.click(await screen.findByRole("button", { name: "Actions for wiki.lab.example.org" }));
  await user.click(await screen.findByRole("menuitem", { name: "Delete" }));
  const confirm = await screen.findByRole("alertdialog");
  expect(platform.sent("DELETE", `/api/tunnels/${WIKI.id}`)).toHaveLength(0);
  await user.click(within(confirm).getByRole("button", { name: "Delete tunnel" }));
  await waitFor(() => expect(platform.sent("DELETE", `/api/tunnels/${WIKI.id}`)).toHaveLength(1));
});

test("an edit sends only what was changed", async () => {
  const { platform } = show({ [`PATCH /api/tunnels/${WIKI.id}`]: { ok: true, tunnel: WIKI } });
  const user = userEvent.setup({ delay: null });
  await user.click(await screen.findByRole("button", { name: "Actions for wiki.lab.example.org" }));
  await user.click(await screen.findByRole("menuitem", { name: "Edit" }));
  const form = within(await screen.findByRole("dialog"));
  await user.click(form.getByRole("radio", { name: /Everybody on the internet/ }));
  await user.click(form.getByRole("button", { name: "Save changes" }));
  await waitFor(() => expect(platform.sent("PATCH", `/api/tunnels/${WIKI.id}`)).toEqual([{ accessMode: "public" }]));
});

test("a tunnel opens by a link to where visitors arrive, which every window knows how to follow", async () => {
  show({ "GET /api/onboarding/status": { ...SERVER, httpsPort: 8443 } });
  const user = userEvent.setup({ delay: null });
  await user.click(await screen.findByRole("button", { name: "Actions for wiki.lab.example.org" }));
  const link = await screen.findByRole("menuitem", { name: "Open" });
  expect(link).toHaveAttribute("href", "https://wiki.lab.example.org:8443");
  expect(link).toHaveAttribute("target", "_blank");
});
