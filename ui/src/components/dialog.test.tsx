import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, test } from "vitest";

import { renderScreen } from "@/test-platform";

import { Confirm, Dialog } from "./dialog";
import { Menu, MenuItem } from "./menu";

function Page() {
  const [open, setOpen] = useState<"first" | "second" | "question" | null>(null);
  return (
    <main id="main" tabIndex={-1}>
      <button onClick={() => setOpen("first")}>Open</button>
      <Menu label="Actions">
        <MenuItem onSelect={() => setOpen("question")}>Delete</MenuItem>
      </Menu>
      {open === "first" && (
        <Dialog open onOpenChange={() => setOpen(null)} title="First">
          <input aria-label="Name" autoFocus />
          <button onClick={() => setOpen("second")}>Go on</button>
        </Dialog>
      )}
      {open === "second" && (
        <Dialog open onOpenChange={() => setOpen(null)} title="Second">
          Made
        </Dialog>
      )}
      {open === "question" && (
        <Confirm open onOpenChange={() => setOpen(null)} title="Delete?" action="Delete it" onConfirm={async () => undefined}>
          It is gone then.
        </Confirm>
      )}
    </main>
  );
}

test("the focus goes back to what opened a dialog, also from the one that followed it", async () => {
  renderScreen(<Page />);
  const user = userEvent.setup();
  const opener = await screen.findByRole("button", { name: "Open" });
  await user.click(opener);
  expect(screen.getByRole("textbox", { name: "Name" })).toHaveFocus();
  await user.keyboard("{Escape}");
  await waitFor(() => expect(opener).toHaveFocus());
  await user.click(opener);
  await user.click(screen.getByRole("button", { name: "Go on" }));
  await screen.findByText("Made");
  await user.keyboard("{Escape}");
  await waitFor(() => expect(opener).toHaveFocus());
});

test("a question that a menu asked gives the focus back to the menu's button", async () => {
  renderScreen(<Page />);
  const user = userEvent.setup();
  const actions = await screen.findByRole("button", { name: "Actions" });
  actions.focus();
  await user.keyboard("{Enter}");
  await screen.findByRole("menu");
  await user.keyboard("{Enter}");
  await user.click(await screen.findByRole("button", { name: "Cancel" }));
  await waitFor(() => expect(actions).toHaveFocus());
});
