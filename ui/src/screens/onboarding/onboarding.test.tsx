import { useQueryClient } from "@tanstack/react-query";
import { act, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";

import type { DnsCheck, OnboardingState } from "@/api/schema";
import { Gate } from "@/app/gate";
import { refused, renderScreen, SERVER, TestPlatform } from "@/test-platform";

const IP = "198.51.100.7";
const RESULT = {
  adminUsername: "admin",
  adminPassword: "the-first-password",
  adminTotpUri: "otpauth://totp/Portlama:admin?secret=JBSWY3DPEHPK3PXP",
  panelUrl: "https://panel.example.org",
  authUrl: "https://auth.example.org",
};
const soon = () => new Date(Date.now() + 500_000).toISOString();

/** A server whose state the test moves on. */
function server(state: Partial<OnboardingState>) {
  const platform = new TestPlatform();
  let now: OnboardingState = { ...SERVER, status: "FRESH", ip: IP, domain: null, ...state };
  platform.answers = {
    "GET /api/onboarding/status": () => now,
    "GET /api/health": { status: "ok", version: "1.2.3" },
    "GET /api/onboarding/result": () => (now.resultUntil ? RESULT : refused(410, "is not kept any longer")),
  };
  const move = (more: Partial<OnboardingState>) => {
    now = { ...now, ...more };
  };
  return { platform, move };
}

const check = (more: Partial<DnsCheck> = {}): DnsCheck => ({
  ok: false,
  domain: "example.org",
  expectedIp: IP,
  resolvedIps: [],
  wildcardResolvedIps: [],
  wildcardOk: false,
  message: "example.org does not resolve: add an A record with the value 198.51.100.7",
  names: [{ name: "panel.example.org", ok: false, message: "panel.example.org does not resolve" }],
  resolvers: [{ address: "203.0.113.1:53", a: [], aaaa: [], wildcard: [], error: null }],
  ...more,
});
const allWell = check({
  ok: true,
  wildcardOk: true,
  message: "example.org leads to this server, and so does every name below it",
  names: [{ name: "panel.example.org", ok: true, message: "panel.example.org leads to this server" }],
});

/** Stands for whatever makes the panel read everything anew. */
function AskAgain() {
  const cache = useQueryClient();
  return <button onClick={() => void cache.invalidateQueries()}>Ask again</button>;
}

beforeEach(() => {
  vi.spyOn(window, "scrollTo").mockImplementation(() => undefined);
});

test("a domain that the server refuses is said at its field, and stays typed", async () => {
  const { platform, move } = server({});
  platform.answers["POST /api/onboarding/domain"] = () =>
    refused(400, "Validation failed", { issues: [{ path: ["domain"], message: "is no name that DNS can hold" }] });
  renderScreen(<Gate />, { platform });
  await userEvent.type(await screen.findByLabelText("Domain"), "not a name");
  await userEvent.type(screen.getByLabelText("E-mail"), "ops@example.org");
  await userEvent.click(screen.getByRole("button", { name: "Use this domain" }));
  expect(await screen.findByText("Is no name that DNS can hold.")).toBeInTheDocument();
  expect(screen.getByLabelText("Domain")).toHaveValue("not a name");

  platform.answers["POST /api/onboarding/domain"] = () => {
    move({ status: "DOMAIN_SET", domain: "example.org" });
    return { ok: true, domain: "example.org", email: "ops@example.org" };
  };
  platform.answers["POST /api/onboarding/verify-dns"] = check();
  await userEvent.click(screen.getByRole("button", { name: "Use this domain" }));
  expect(await screen.findByText("Point the domain here")).toHaveFocus();

  await userEvent.click(screen.getByRole("button", { name: "Back" }));
  expect(await screen.findByLabelText("Domain")).toHaveValue("example.org");
  expect(screen.getByLabelText("E-mail")).toHaveValue("ops@example.org");
});

test("the way on opens with the records, and the way back closes", async () => {
  const { platform, move } = server({ status: "DOMAIN_SET", domain: "example.org" });
  platform.answers["POST /api/onboarding/verify-dns"] = check();
  renderScreen(<Gate />, { platform });
  expect(await screen.findByText(/example.org does not resolve: add an A record/)).toBeInTheDocument();
  const goOn = screen.getByRole("button", { name: "Set up example.org" });
  expect(goOn).toBeDisabled();
  await userEvent.click(screen.getByRole("button", { name: "Copy value of *.example.org" }));
  expect(platform.copied).toEqual([IP]);

  move({ status: "DNS_READY" });
  platform.answers["POST /api/onboarding/verify-dns"] = allWell;
  await userEvent.click(screen.getByRole("button", { name: "Look now" }));
  await waitFor(() => expect(goOn).toBeEnabled());
  await waitFor(() => expect(screen.queryByRole("button", { name: "Back" })).not.toBeInTheDocument());

  platform.answers["POST /api/onboarding/provision"] = () => {
    move({ status: "PROVISIONING" });
    return { ok: true, message: "" };
  };
  await userEvent.click(goOn);
  expect(await screen.findByText("Setting up example.org")).toBeInTheDocument();
});

const task = (status: string) => ({ id: "issue-certs", title: "Certificates", status, message: null, log: null });
const stands = (status: string, more: object = {}) => ({
  type: "state",
  isRunning: status === "running",
  tasks: [task(status)],
  error: null,
  result: null,
  ...more,
});

test("the run is watched through a failure, another try and a lost connection to its end", async () => {
  const { platform, move } = server({ status: "PROVISIONING", domain: "example.org" });
  platform.answers["POST /api/onboarding/provision"] = { ok: true, message: "" };
  renderScreen(<Gate />, { platform });
  await screen.findByText("Setting up example.org");
  const socket = () => {
    const last = platform.sockets.at(-1);
    if (!last) throw new Error("no socket");
    return last;
  };
  expect(socket().path).toBe("/api/onboarding/provision/stream");
  act(() => socket().send(stands("running")));
  const list = await screen.findByRole("list", { name: "Tasks" });
  expect(within(list).getByLabelText("Runs")).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Try again" })).not.toBeInTheDocument();

  const progress = { current: 1, total: 1 };
  act(() => socket().send({ task: "issue-certs", status: "error", message: "failed", error: "too many certificates", progress }));
  expect(screen.getByRole("alert")).toHaveTextContent(/^Stopped at “Certificates”/);
  expect(within(list).getByText("Too many certificates.")).toBeInTheDocument();

  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(platform.sent("POST", "/api/onboarding/provision")).toHaveLength(1);
  expect(screen.queryByRole("alert")).not.toBeInTheDocument();

  const first = platform.sockets.length;
  act(() => socket().end());
  await waitFor(() => expect(platform.sockets.length).toBe(first + 1));
  act(() => socket().send(stands("running")));
  expect(within(list).getByLabelText("Runs")).toBeInTheDocument();

  move({ status: "COMPLETED", resultUntil: soon() });
  act(() => socket().send({ task: "complete", status: "done", message: "", result: RESULT, progress }));
  expect(await screen.findByText("example.org is in service")).toBeInTheDocument();
  expect(socket().closed).toBe(true);
});

test("a set-up that a restart cut short can be taken up", async () => {
  const { platform } = server({ status: "PROVISIONING", domain: "example.org" });
  renderScreen(<Gate />, { platform });
  await screen.findByText("Setting up example.org");
  act(() => platform.sockets[0]?.send(stands("pending")));
  expect(await screen.findByRole("button", { name: "Go on with the set-up" })).toBeInTheDocument();
});

test("after a reload the last failure stands there before the stream does", async () => {
  const error = { task: "issue-certs", message: "the authority said no" };
  const { platform } = server({ status: "PROVISIONING", domain: "example.org", error });
  renderScreen(<Gate />, { platform });
  expect(await screen.findByText("The authority said no.")).toBeInTheDocument();
});

test("the first password stays until the admin goes on, also when the server has forgotten it", async () => {
  const { platform, move } = server({ status: "COMPLETED", domain: "example.org", resultUntil: soon() });
  platform.answers["POST /api/onboarding/acknowledge"] = () => refused(410, "is not kept any longer");
  renderScreen(
    <>
      <AskAgain />
      <Gate />
    </>,
    { platform },
  );
  await screen.findByText("Your first user");
  expect(screen.queryByText(RESULT.adminPassword)).not.toBeInTheDocument();

  move({ resultUntil: null });
  const asked = platform.sent("GET", "/api/onboarding/status").length;
  await userEvent.click(screen.getByRole("button", { name: "Ask again" }));
  await waitFor(() => expect(platform.sent("GET", "/api/onboarding/status").length).toBeGreaterThan(asked));
  expect(screen.queryByText(/can’t be shown any more/)).not.toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Show password" }));
  expect(screen.getByText(RESULT.adminPassword)).toBeInTheDocument();

  await userEvent.click(screen.getByRole("button", { name: /open the dashboard/ }));
  expect(await screen.findByRole("link", { name: "Dashboard" })).toBeInTheDocument();
  expect(screen.queryByText(RESULT.adminPassword)).not.toBeInTheDocument();
});

test("whoever comes too late is told what to do, and where everything is", async () => {
  const { platform, move } = server({ status: "COMPLETED", domain: "example.org", httpsPort: 8443, panelPort: 9393, resultUntil: soon() });
  const told = platform.answers["GET /api/onboarding/result"] as () => unknown;
  platform.answers["GET /api/onboarding/result"] = () => {
    move({ resultUntil: null });
    return told();
  };
  renderScreen(<Gate />, { platform });
  expect(await screen.findByText(/can’t be shown any more/)).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Open the dashboard" })).toBeInTheDocument();
  const addresses = screen.getAllByRole("link", { name: /new window/ }).map((link) => link.getAttribute("href"));
  expect(addresses).toEqual(["https://panel.example.org:8443", "https://auth.example.org:8443", `https://${IP}:9393`]);
});

test("a complete server shows the panel at once", async () => {
  const { platform } = server({ status: "COMPLETED", domain: "example.org" });
  renderScreen(<Gate />, { platform });
  expect(await screen.findByRole("link", { name: "Dashboard" })).toBeInTheDocument();
  expect(platform.requests.some(({ path }) => path.includes("result"))).toBe(false);
});
