import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { connection } from "@/api/connection";
import { refused, renderScreen, SERVER, TestPlatform } from "@/test-platform";

import { TwoFactor } from "./two-factor";

const SEED = { uri: "otpauth://totp/Portlama%20Panel:admin?secret=JBSWY3DPEHPK3PXP", manualKey: "JBSWY3DPEHPK3PXP" };

function panel(isOn: boolean) {
  let enabled = isOn;
  const platform = new TestPlatform({
    "GET /api/settings/2fa": () => ({ enabled, setupComplete: enabled }),
    "GET /api/onboarding/status": SERVER,
    "POST /api/settings/2fa/setup": SEED,
  });
  const accept = (to: boolean) => {
    const path = `POST /api/settings/2fa/${to ? "confirm" : "disable"}`;
    platform.answers[path] = () => {
      enabled = to;
      return { enabled };
    };
  };
  return { platform, accept };
}

test("codes are on once a right one was typed", async () => {
  const { platform, accept } = panel(false);
  platform.answers["POST /api/settings/2fa/confirm"] = () => refused(401, "The code is wrong or was used before: wait for the next one");
  renderScreen(<TwoFactor />, { platform });
  await userEvent.click(await screen.findByRole("button", { name: "Turn on codes" }));
  await userEvent.click(screen.getByRole("button", { name: "Show QR code" }));
  const field = await screen.findByLabelText("Code from the authenticator app");

  await userEvent.type(field, "12");
  await userEvent.click(screen.getByRole("button", { name: "Turn on codes" }));
  expect(await screen.findByText("Enter the six digits.")).toBeInTheDocument();
  expect(platform.sent("POST", "/api/settings/2fa/confirm")).toEqual([]);

  await userEvent.type(field, "3 456");
  await userEvent.click(screen.getByRole("button", { name: "Turn on codes" }));
  expect(await screen.findByText("The code is wrong or was used before: wait for the next one.")).toBeInTheDocument();
  expect(platform.sent("POST", "/api/settings/2fa/confirm")).toEqual([{ code: "123456" }]);
  // A wrong code here is no session that is over.
  expect(connection.current()).toBe("open");

  accept(true);
  await userEvent.click(screen.getByRole("button", { name: "Turn on codes" }));
  expect(await screen.findByRole("button", { name: "Turn off codes" })).toBeInTheDocument();
  expect(screen.queryByText(SEED.manualKey)).not.toBeInTheDocument();
});

test("a click beside it does not lose the key", async () => {
  const { platform } = panel(false);
  renderScreen(<TwoFactor />, { platform });
  await userEvent.click(await screen.findByRole("button", { name: "Turn on codes" }));
  await userEvent.click(screen.getByRole("button", { name: "Show QR code" }));
  await screen.findByLabelText("Code from the authenticator app");
  await userEvent.keyboard("{Escape}");
  expect(screen.getByLabelText("Code from the authenticator app")).toBeInTheDocument();
});

test("turning codes off needs one", async () => {
  const { platform, accept } = panel(true);
  accept(false);
  renderScreen(<TwoFactor />, { platform });
  await userEvent.click(await screen.findByRole("button", { name: "Turn off codes" }));
  await userEvent.type(screen.getByLabelText("Code from the authenticator app"), "123456");
  await userEvent.click(screen.getByRole("button", { name: "Turn off codes" }));
  expect(await screen.findByRole("button", { name: "Turn on codes" })).toBeInTheDocument();
  expect(platform.sent("POST", "/api/settings/2fa/disable")).toEqual([{ code: "123456" }]);
});
