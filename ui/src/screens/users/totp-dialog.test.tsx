import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";

import type { User } from "@/api/schema";
import { renderScreen } from "@/test-platform";

import { TotpDialog } from "./totp-dialog";

const URI = "otpauth://totp/Portlama:mara?secret=JBSWY3DPEHPK3PXP&issuer=Portlama";
const RESET = "POST /api/users/mara/reset-totp";

test("new codes stay in sight until they were taken", async () => {
  const onClose = vi.fn();
  renderScreen(<TotpDialog user={{ username: "mara" } as User} onClose={onClose} />, {
    answers: { [RESET]: { totpUri: URI } },
  });
  await userEvent.click(await screen.findByRole("button", { name: "Reset codes" }));
  await userEvent.click(await screen.findByRole("button", { name: "Show key" }));
  expect(screen.getByText("JBSWY3DPEHPK3PXP")).toBeVisible();
  expect(onClose).not.toHaveBeenCalled();
  await userEvent.click(screen.getByRole("button", { name: "Done" }));
  expect(onClose).toHaveBeenCalledOnce();
});

test("who does not want it asks for nothing", async () => {
  const onClose = vi.fn();
  const { platform } = renderScreen(<TotpDialog user={{ username: "mara" } as User} onClose={onClose} />);
  await userEvent.click(await screen.findByRole("button", { name: "Cancel" }));
  expect(onClose).toHaveBeenCalledOnce();
  expect(platform.requests).toEqual([]);
});
