import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactElement } from "react";
import { expect, test } from "vitest";

import { refused, renderScreen, SERVER, unreachable, type Answers } from "@/test-platform";

import { CreateDialog as NewSite } from "./sites/create-dialog";
import { CreateDialog as NewTunnel } from "./tunnels/create-dialog";
import { InvitationDialog } from "./users/invitation-dialog";

const nothing = () => undefined;
const READS: Answers = {
  "GET /api/tunnels": { tunnels: [] },
  "GET /api/sites": { sites: [] },
  "GET /api/certs/agent": { agents: [] },
  "GET /api/onboarding/status": SERVER,
};

interface Case {
  form: ReactElement;
  route: string;
  typed: Record<string, string>;
  button: string;
}

const CASES: Record<string, Case> = {
  tunnel: {
    form: <NewTunnel open onOpenChange={nothing} onMade={nothing} />,
    route: "/api/tunnels",
    typed: { Name: "notes", "Port of the app": "8401", Description: "Family notes" },
    button: "Make tunnel",
  },
  site: { form: <NewSite open onOpenChange={nothing} />, route: "/api/sites", typed: { Name: "handbook" }, button: "Create site" },
  invitation: {
    form: <InvitationDialog open onOpenChange={nothing} />,
    route: "/api/invitations",
    typed: { Username: "mara", "E-mail": "mara@example.org", Groups: "family" },
    button: "Make link",
  },
};

test.each([
  ["the server is away", unreachable, /can.t be reached/],
  ["the session is over", refused(401, "2fa_required"), /enter a one-time code/],
])("while %s, no form loses what was typed, and the next try sends it", async (_, answer, words) => {
  for (const { form, route, typed, button } of Object.values(CASES)) {
    const sent = `POST ${route}`;
    const { platform, unmount } = renderScreen(form, { answers: { ...READS, [sent]: answer } });
    const user = userEvent.setup({ delay: null });
    const dialog = within(await screen.findByRole("dialog"));
    for (const [name, text] of Object.entries(typed)) await user.type(dialog.getByRole("textbox", { name }), text);
    await user.click(dialog.getByRole("button", { name: button }));
    expect(await dialog.findByText(words)).toBeVisible();
    for (const [name, text] of Object.entries(typed)) expect(dialog.getByRole("textbox", { name })).toHaveValue(text);
    platform.answers = { ...READS, [sent]: refused(400, "This server has had enough") };
    await user.click(dialog.getByRole("button", { name: button }));
    expect(await dialog.findByText("This server has had enough.")).toBeVisible();
    const [first, second] = platform.sent("POST", route);
    await waitFor(() => expect(second).toEqual(first));
    unmount();
  }
});
