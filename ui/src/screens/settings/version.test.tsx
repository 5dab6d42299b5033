import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import { refused, renderScreen, TestPlatform } from "@/test-platform";

import { Version } from "./version";

const route = "POST /api/system/update";

test("an update is asked for by its version, and what the server says against it stays to be read", async () => {
  const platform = new TestPlatform({
    "GET /api/system/update": { version: "0.1.0", canFetch: true },
    [route]: () => refused(502, "The release was not fetched, and nothing was changed"),
  });
  renderScreen(<Version />, { platform });
  await userEvent.click(await screen.findByRole("button", { name: "Update…" }));
  await userEvent.type(screen.getByLabelText("Version"), "1.2");
  await userEvent.click(screen.getByRole("button", { name: "Update" }));
  expect(await screen.findByText("Enter three numbers with dots between them.")).toBeInTheDocument();
  expect(platform.sent("POST", "/api/system/update")).toEqual([]);

  await userEvent.type(screen.getByLabelText("Version"), ".3");
  await userEvent.click(screen.getByRole("button", { name: "Update" }));
  expect(await screen.findByText("The release was not fetched, and nothing was changed.")).toBeInTheDocument();

  platform.answers[route] = { ok: true, message: "Version 1.2.3 is verified" };
  await userEvent.click(screen.getByRole("button", { name: "Update" }));
  expect(await screen.findByText("Version 1.2.3 is verified")).toBeInTheDocument();
  expect(screen.queryByLabelText("Version")).not.toBeInTheDocument();
  expect(platform.sent("POST", "/api/system/update")).toEqual([{ version: "1.2.3" }, { version: "1.2.3" }]);
});

test("a version that was undone is told with its reason", async () => {
  const last = { upgraded: false, from: "0.1.0", to: "0.2.0", reason: "it does not answer" };
  const platform = new TestPlatform({ "GET /api/system/update": { version: "0.1.0", canFetch: false, last } });
  renderScreen(<Version />, { platform });
  expect(await screen.findByText("Version 0.2.0 does not serve here")).toBeInTheDocument();
  expect(screen.getByText("it does not answer")).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Update…" })).not.toBeInTheDocument();
});
