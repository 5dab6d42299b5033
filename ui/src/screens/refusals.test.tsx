import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { ReactElement } from "react";
import { expect, test, vi } from "vitest";

import type { Agent, Site, Tunnel, User } from "@/api/schema";
import type { Refusals } from "@/lib/refusals";
import { refused, renderScreen, SERVER, type Answers, type Scripted } from "@/test-platform";

import { EnrollDialog } from "./agents/enroll-dialog";
import { REFUSALS as AGENTS } from "./agents/rules";
import { HardwareDialog } from "./certificates/hardware-dialog";
import { RightsDialog } from "./certificates/rights-dialog";
import { CSR_REFUSALS } from "./certificates/rules";
import { DomainStep } from "./onboarding/domain-step";
import { DOMAIN_REFUSALS } from "./onboarding/steps";
import { CODE_REFUSALS } from "./settings/code";
import { TwoFactorOff } from "./settings/two-factor-off";
import { CreateDialog as NewSite } from "./sites/create-dialog";
import { REFUSALS as SITES } from "./sites/rules";
import { SiteSettings } from "./sites/site-settings";
import { CreateDialog as NewTunnel } from "./tunnels/create-dialog";
import { EditDialog } from "./tunnels/edit-dialog";
import { REFUSALS as TUNNELS } from "./tunnels/rules";
import { InvitationDialog } from "./users/invitation-dialog";
import { REFUSALS as USERS } from "./users/rules";
import { UserDialog } from "./users/user-dialog";

// Whole forms in jsdom take seconds on a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const nothing = () => undefined;
const ATTIC = { label: "attic", serial: "1", revoked: false, connected: true, capabilities: ["tunnels:read", "sites:read"], allowedSites: [] };
const CELLAR = { ...ATTIC, label: "cellar", serial: "2" };
const WIKI = { id: "1", subdomain: "wiki", fqdn: "wiki.lab.example.org", port: 8400, type: "app", agentLabel: "attic", accessMode: "authenticated" };
const BLOG = { id: "2", name: "blog", fqdn: "blog.lab.example.org", type: "managed", autheliaProtected: true, allowedUsers: ["mara"], totalSize: 0 };
const MARA = { username: "mara", displayname: "Mara", email: "mara@example.org", groups: ["family"] };
const CSR = "-----BEGIN CERTIFICATE REQUEST-----";

const READS: Answers = {
  "GET /api/tunnels": { tunnels: [] },
  "GET /api/sites": { sites: [BLOG] },
  "GET /api/users": { users: [MARA] },
  "GET /api/certs/agent": { agents: [ATTIC, CELLAR] },
  "GET /api/onboarding/status": SERVER,
};

/** A form, how it is filled in, and how it is sent. */
interface Form {
  shown: ReactElement;
  fill: (type: (field: string, text: string) => Promise<void>, choose: (option: string) => Promise<void>) => Promise<void>;
  send: string;
  route: string;
}

const FORMS = {
  user: {
    shown: <UserDialog open onOpenChange={nothing} />,
    fill: async (type) => {
      await type("Username", "mara");
      await type("Name", "Mara");
      await type("E-mail", "mara@example.org");
      await type("Groups", "family, the attic");
      await type("Password", "long enough");
    },
    send: "Add user",
    route: "POST /api/users",
  },
  "user to change": {
    shown: <UserDialog open onOpenChange={nothing} user={MARA as User} />,
    fill: async (type) => type("E-mail", "x"),
    send: "Save",
    route: "PUT /api/users/mara",
  },
  invitation: {
    shown: <InvitationDialog open onOpenChange={nothing} />,
    fill: async (type) => {
      await type("Username", "mara");
      await type("E-mail", "mara@example.org");
    },
    send: "Make link",
    route: "POST /api/invitations",
  },
  agent: {
    shown: <EnrollDialog open onOpenChange={nothing} />,
    fill: async (type) => type("Name of the agent", "shed"),
    send: "Make token",
    route: "POST /api/certs/agent/enroll",
  },
  rights: {
    shown: <RightsDialog agent={ATTIC as unknown as Agent} onClose={nothing} />,
    fill: async (_, choose) => choose("blog.lab.example.org"),
    send: "Save rights",
    route: "PATCH /api/certs/agent/attic/allowed-sites",
  },
  request: {
    shown: <HardwareDialog onClose={nothing} />,
    fill: async (type) => type("Certificate request (CSR, PEM)", CSR),
    send: "Move key to hardware",
    route: "POST /api/certs/admin/upgrade-to-hardware-bound",
  },
  domain: {
    shown: <DomainStep server={{ ...SERVER, status: "FRESH", domain: null }} before={{ domain: "", email: "" }} onChosen={nothing} />,
    fill: async (type) => {
      await type("Domain", "lab.example.org");
      await type("E-mail", "ops@example.org");
    },
    send: "Use this domain",
    route: "POST /api/onboarding/domain",
  },
  code: {
    shown: <TwoFactorOff onClose={nothing} />,
    fill: async (type) => type("Code from the authenticator app", "123456"),
    send: "Turn off codes",
    route: "POST /api/settings/2fa/disable",
  },
  site: {
    shown: <NewSite open onOpenChange={nothing} />,
    fill: async (type) => type("Name", "handbook"),
    send: "Create site",
    route: "POST /api/sites",
  },
  "site of its own name": {
    shown: <NewSite open onOpenChange={nothing} />,
    fill: async (type, choose) => {
      await choose("A domain of its own");
      await type("Name", "handbook");
      await type("Domain", "www.example.net");
    },
    send: "Create site",
    route: "POST /api/sites",
  },
  "site to change": {
    shown: <SiteSettings site={BLOG as unknown as Site} />,
    fill: async (_, choose) => choose("Single-page application"),
    send: "Save settings",
    route: "PATCH /api/sites/2",
  },
  tunnel: {
    shown: <NewTunnel open onOpenChange={nothing} onMade={nothing} />,
    fill: async (type, choose) => {
      await type("Name", "notes");
      await choose("attic");
      await type("Port of the app", "8401");
    },
    send: "Make tunnel",
    route: "POST /api/tunnels",
  },
  "tunnel to change": {
    shown: <EditDialog tunnel={WIKI as Tunnel} onClose={nothing} />,
    fill: async (_, choose) => choose("cellar"),
    send: "Save changes",
    route: "PATCH /api/tunnels/1",
  },
} satisfies Record<string, Form>;

async function refuse(form: Form, answer: Scripted) {
  renderScreen(form.shown, { answers: { ...READS, [form.route]: answer } });
  const hand = userEvent.setup({ delay: null });
  const type = async (field: string, text: string) => hand.type(await screen.findByLabelText(field), text);
  const choose = async (name: string) => {
    const option = await screen.findByRole(/^(attic|cellar)$/.test(name) ? "option" : /domain of/.test(name) ? "radio" : "checkbox", { name });
    if (option instanceof HTMLOptionElement) await hand.selectOptions(screen.getByRole("combobox", { name: "Agent" }), option);
    else await hand.click(option);
  };
  await form.fill(type, choose);
  await hand.click(screen.getByRole("button", { name: form.send }));
}

/** What the server answers, word for word, and the field at which it must stand. */
const SAID: [form: keyof typeof FORMS, status: number, words: string, field: string][] = [
  ["user", 409, "User `mara` exists already", "Username"],
  ["invitation", 409, "User `mara` exists already", "Username"],
  ["invitation", 409, "An open invitation for `mara` exists already", "Username"],
  ["agent", 409, "Agent `shed` is enrolled: revoke it first", "Name of the agent"],
  ["request", 400, "The key of this certificate request was revoked, make a new key", "Certificate request (CSR, PEM)"],
  ["request", 400, "The certificate request holds the key of the present certificate, make a new key", "Certificate request (CSR, PEM)"],
  ["domain", 409, "The domain is fixed once it was seen to lead here", "Domain"],
  ["code", 401, "The code is wrong or was used before: wait for the next one", "Code from the authenticator app"],
  ["code", 429, "Too many wrong codes, try again later", "Code from the authenticator app"],
  ["site", 400, "The subdomain is reserved", "Name"],
  ["site", 400, "The name is in use by another site", "Name"],
  ["site", 400, "The host name is in use by a tunnel", "Name"],
  ["site of its own name", 400, "The name is in use by another site", "Name"],
  ["site of its own name", 400, "The host name is in use by a site", "Domain"],
  ["site of its own name", 400, "The subdomain is reserved", "Domain"],
  ["tunnel", 400, "The subdomain is in use", "Name"],
  ["tunnel", 400, "The host name is in use by a site", "Name"],
  ["tunnel", 400, "The port is in use by another tunnel of this agent", "Port of the app"],
  ["tunnel", 400, "No agent `attic` is enrolled", "Agent"],
  ["tunnel to change", 400, "The port is in use by another tunnel of this agent", "Agent"],
];

test.each(SAID)("%s: %d “%s” stands at %s", async (form, status, words, field) => {
  await refuse(FORMS[form], refused(status, words));
  await waitFor(() => expect(screen.getByLabelText(field)).toHaveAccessibleDescription(new RegExp(`${words.replaceAll("`", "")}[.]`)));
  expect(screen.queryByRole("alert")).not.toBeInTheDocument();
});

/** Fields that are called otherwise here than there, lists, and what is hidden at first. */
const ISSUES: [form: keyof typeof FORMS, path: (string | number)[]][] = [
  ["user", ["groups", 1]],
  ["user to change", ["displayname"]],
  ["invitation", ["expiresInDays"]],
  ["agent", ["capabilities"]],
  ["agent", ["capabilities", 0]],
  ["rights", ["allowedSites", 0]],
  ["site", ["spaMode"]],
  ["site", ["type"]],
  ["site of its own name", ["customDomain"]],
  ["site to change", ["allowedUsers", 0]],
  ["site to change", ["spaMode"]],
  ["tunnel", ["originScheme"]],
  ["tunnel", ["accessMode"]],
  ["tunnel to change", ["hostHeader"]],
];

test.each(ISSUES)("%s: what is wrong with %j is said once, in sight, and not below the form", async (form, path) => {
  await refuse(FORMS[form], refused(400, "Validation failed", { issues: [{ path, message: "must be otherwise" }] }));
  expect(await screen.findByText(/must be otherwise/i)).toBeVisible();
  expect(screen.queryByText(/Validation failed/)).not.toBeInTheDocument();
});

test("what concerns no field stands below the form", async () => {
  await refuse(FORMS.site, refused(400, "No domain is configured"));
  expect(within(await screen.findByRole("alert")).getByText("No domain is configured.")).toBeVisible();
});

test("the words by which a refusal finds its field are the server's own", () => {
  const texts = ["control", "pki"].flatMap((crate) => rust(path.resolve(import.meta.dirname, `../../../crates/${crate}/src`)));
  const source = texts.map((file) => readFileSync(file, "utf8")).join("\n");
  const all: Refusals = [...USERS, ...AGENTS, ...CSR_REFUSALS, ...DOMAIN_REFUSALS, ...CODE_REFUSALS, ...SITES, ...TUNNELS];
  expect(all.map(([words]) => words).filter((words) => !literal(words).test(source))).toEqual([]);
});

function rust(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.endsWith(".rs")).map((file) => path.join(folder, file));
}

/** The words as a text of the source, where something else stands for `…`. */
function literal(words: string): RegExp {
  const fixed = words.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`"${fixed.join('(?:[^"\\\\]|\\\\.)*')}"`);
}
