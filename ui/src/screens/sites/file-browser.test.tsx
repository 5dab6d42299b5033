import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test } from "vitest";

import type { Site, SiteFile } from "@/api/schema";
import { refused, renderScreen, SERVER, TestPlatform } from "@/test-platform";

import { FileBrowser } from "./file-browser";

const site: Site = {
  id: "7b0c9a52-64de-4fd3-9b71-0d4d29e0a6c1",
  name: "handbook",
  fqdn: "handbook.example.com",
  type: "managed",
  spaMode: false,
  autheliaProtected: false,
  allowedUsers: [],
  dnsVerified: true,
  certIssued: true,
  rootPath: "/srv/sites/7b0c9a52",
  createdAt: "2027-02-03T08:15:00.000Z",
  totalSize: 0,
};
const FILES = `/api/sites/${site.id}/files`;

const entry = (relativePath: string, type: SiteFile["type"] = "file"): SiteFile => ({
  name: relativePath.split("/").at(-1) ?? "",
  type,
  size: 10,
  modifiedAt: site.createdAt,
  relativePath,
});

function show(platform: TestPlatform) {
  return renderScreen(<FileBrowser site={site} />, { platform });
}

/** What a browser hands over when somebody lets go of files above the list. */
function drop(files: File[]) {
  const dataTransfer = { types: ["Files"], items: [], files };
  fireEvent.drop(screen.getByText("index.html", { selector: "span" }), { dataTransfer });
}

function fileNamed(name: string): File {
  return Object.defineProperty(new File(["text"], name), "webkitRelativePath", { value: "" });
}

test("a dropped file goes into the open folder, and the folder is read anew", async () => {
  let uploaded = false;
  const platform = new TestPlatform({
    [`GET ${FILES}`]: () => ({ path: ".", files: [entry("index.html"), ...(uploaded ? [entry("new.css")] : [])] }),
    [`POST ${FILES}`]: () => {
      uploaded = true;
      return { ok: true, files: ["new.css"] };
    },
  });
  show(platform);
  await screen.findByText("index.html", { selector: "span" });
  drop([fileNamed("new.css")]);
  expect(await screen.findByText("1 file uploaded.")).toBeInTheDocument();
  expect(platform.uploads.map(({ path, files }) => [path, files.map(({ name }) => name)])).toEqual([
    [`${FILES}?path=.`, ["new.css"]],
  ]);
  expect(await screen.findByText("new.css", undefined, { timeout: 5000 })).toBeInTheDocument();
});

test("a refusal stands at its file in the server's words, and can be tried again", async () => {
  const platform = new TestPlatform({
    [`GET ${FILES}`]: { path: ".", files: [entry("index.html")] },
    [`POST ${FILES}`]: () => refused(400, "`tool.exe` has no extension that files of a site may have"),
  });
  show(platform);
  await screen.findByText("index.html", { selector: "span" });
  drop([fileNamed("tool.exe")]);
  const uploads = await screen.findByRole("region", { name: "Uploads" });
  expect(await within(uploads).findByText(/has no extension that files of a site may have/)).toBeInTheDocument();
  platform.answers[`POST ${FILES}`] = { ok: true, files: ["tool.exe"] };
  await userEvent.click(within(uploads).getByRole("button", { name: "Try tool.exe again" }));
  expect(await within(uploads).findByText("1 file uploaded.")).toBeInTheDocument();
});

test("a file of a live site opens at the port where visitors arrive", async () => {
  const platform = new TestPlatform({
    [`GET ${FILES}`]: { path: ".", files: [entry("index.html")] },
    "GET /api/onboarding/status": { ...SERVER, httpsPort: 8443 },
  });
  show(platform);
  const link = await screen.findByRole("link", { name: "Open index.html in a new tab" });
  await waitFor(() => expect(link).toHaveAttribute("href", `https://${site.fqdn}:8443/index.html`));
});

test("a folder is opened by its name and left by the way above it", async () => {
  const platform = new TestPlatform({
    [`GET ${FILES}`]: ({ path }: { path: string }) =>
      path.endsWith("img") ? { path: "img", files: [entry("img/a.png")] } : { path: ".", files: [entry("img", "directory")] },
  });
  show(platform);
  await userEvent.click(await screen.findByRole("link", { name: /img/ }));
  expect(await screen.findByText("a.png")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("link", { name: "handbook" }));
  expect(await screen.findByRole("link", { name: /img/ })).toBeInTheDocument();
});

test("nothing is deleted before it was confirmed", async () => {
  const platform = new TestPlatform({
    [`GET ${FILES}`]: { path: ".", files: [entry("img", "directory")] },
    [`DELETE ${FILES}`]: { ok: true },
  });
  show(platform);
  await userEvent.click(await screen.findByRole("button", { name: "Delete img" }));
  expect(screen.getByText(/The folder goes with everything in it/)).toBeInTheDocument();
  expect(platform.sent("DELETE", FILES)).toEqual([]);
  await userEvent.click(screen.getByRole("button", { name: "Delete folder" }));
  await waitFor(() => expect(platform.sent("DELETE", FILES)).toEqual([{ path: "img" }]));
});

test("a folder that went with its last file leads to the nearest that is still there", async () => {
  const platform = new TestPlatform({
    [`GET ${FILES}`]: ({ path }: { path: string }) =>
      path.endsWith("path=.") ? { path: ".", files: [entry("index.html")] } : refused(400, "No such folder"),
  });
  renderScreen(<FileBrowser site={site} />, { platform, at: "/?path=css/old" });
  expect(await screen.findByText("index.html", { selector: "span" })).toBeInTheDocument();
});
