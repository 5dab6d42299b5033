import { expect, test } from "vitest";

import { MAX_CHOSEN_FILES, readDropped, readFiles, siteFolder, unwrap } from "./dropped";

/** A folder as the browser shows it: names to files (`null`) or folders. */
type Tree = { [name: string]: Tree | null };

function entryOf(name: string, inside: Tree | null): FileSystemEntry {
  if (inside === null) {
    const file = (done: (file: File) => void) => done(new File([], name));
    return { name, isFile: true, isDirectory: false, file } as unknown as FileSystemEntry;
  }
  const createReader = () => {
    const rest = Object.entries(inside).map(([name, tree]) => entryOf(name, tree));
    // Real readers give a part at a time, too.
    return { readEntries: (done: (part: FileSystemEntry[]) => void) => done(rest.splice(0, 2)) };
  };
  return { name, isFile: false, isDirectory: true, createReader } as unknown as FileSystemEntry;
}

function transferOf(tree: Tree): DataTransfer {
  const items = Object.entries(tree).map(([name, inside]) => ({ webkitGetAsEntry: () => entryOf(name, inside) }));
  return { items, files: [] } as unknown as DataTransfer;
}

/** The test's DOM does not know the place in a chosen folder. */
function chosenFile(name: string, webkitRelativePath = ""): File {
  return Object.defineProperty(new File([], name), "webkitRelativePath", { value: webkitRelativePath });
}

const places = ({ files }: { files: { file: File; folder: string }[] }) =>
  files.map(({ file, folder }) => `${folder}/${file.name}`);

test("a dropped folder is read to its leaves, below the folder that is open", async () => {
  const tree = { "index.html": null, img: { "1.png": null, "2.png": null, "3.png": null, deep: { "4.png": null } } };
  const chosen = await readDropped(transferOf(tree), "docs");
  expect(places(chosen)).toEqual([
    "docs/index.html",
    "docs/img/1.png",
    "docs/img/2.png",
    "docs/img/3.png",
    "docs/img/deep/4.png",
  ]);
});

test("hidden files and folders are left out and counted", async () => {
  const chosen = await readDropped(transferOf({ ".git": { config: null }, site: { ".DS_Store": null, "a.css": null } }), ".");
  expect(places(chosen)).toEqual(["site/a.css"]);
  expect(chosen.hidden).toBe(2);
});

test("a chosen folder's files keep their places", () => {
  const files = [chosenFile("a.css", "site/css/a.css"), chosenFile("b.css")];
  expect(places(readFiles(files, "."))).toEqual(["site/css/a.css", "./b.css"]);
});

test("more files than a site has are not taken", () => {
  const files = Array.from({ length: MAX_CHOSEN_FILES + 1 }, (_, n) => chosenFile(`${n}.txt`));
  const chosen = readFiles(files, ".");
  expect(chosen.files.length).toBe(MAX_CHOSEN_FILES);
  expect(chosen.tooMany).toBe(true);
});

test("a folder with a front page may stand for the site itself", async () => {
  const { files } = await readDropped(transferOf({ dist: { "index.html": null, img: { "a.png": null } } }), ".");
  expect(siteFolder(files, ".")).toBe("dist");
  expect(places({ files: unwrap(files, "dist") })).toEqual(["./index.html", "img/a.png"]);
});

test.each<[string, Tree, string]>([
  ["another file beside it", { dist: { "index.html": null }, "a.css": null }, "."],
  ["no front page at its top", { dist: { docs: { "index.html": null } } }, "."],
  ["a folder of the site open", { dist: { "index.html": null } }, "docs"],
])("with %s, nobody is asked", async (_, tree, into) => {
  const { files } = await readDropped(transferOf(tree), into);
  expect(siteFolder(files, into)).toBeNull();
});
