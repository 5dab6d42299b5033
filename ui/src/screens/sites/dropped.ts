import type { NewUpload } from "./upload-view";

/** The most files taken at once: more are no site but a mistake, and every one is a row here. */
export const MAX_CHOSEN_FILES = 5000;

/** What somebody dropped or chose, sorted into what can go up and what was left out. */
export interface Chosen {
  files: NewUpload[];
  /** Files and folders whose name begins with a dot; no site has such. */
  hidden: number;
  /** There were more than {@link MAX_CHOSEN_FILES}. */
  tooMany: boolean;
}

/** Reads what was dropped, folders with all that is in them. Call it at once: the event forgets. */
export async function readDropped(transfer: DataTransfer, folder: string): Promise<Chosen> {
  const chosen: Chosen = { files: [], hidden: 0, tooMany: false };
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return readFiles([...transfer.files], folder);
  for (const entry of entries) await walk(entry, folder, chosen);
  return chosen;
}

/** The files of an `<input>`; those of a chosen folder say where in it they lie. */
export function readFiles(files: readonly File[], folder: string): Chosen {
  const chosen: Chosen = { files: [], hidden: 0, tooMany: false };
  for (const file of files) {
    const way = file.webkitRelativePath.split("/").slice(0, -1);
    if ([...way, file.name].some(isHidden)) chosen.hidden += 1;
    else take(chosen, { file, folder: way.reduce(join, folder) });
  }
  return chosen;
}

async function walk(entry: FileSystemEntry, folder: string, chosen: Chosen): Promise<void> {
  if (isHidden(entry.name)) {
    chosen.hidden += 1;
  } else if (entry.isFile) {
    take(chosen, { file: await fileOf(entry as FileSystemFileEntry), folder });
  } else if (!chosen.tooMany) {
    const inside = join(folder, entry.name);
    for (const each of await contentOf(entry as FileSystemDirectoryEntry)) await walk(each, inside, chosen);
  }
}

function take(chosen: Chosen, file: NewUpload) {
  if (chosen.files.length < MAX_CHOSEN_FILES) chosen.files.push(file);
  else chosen.tooMany = true;
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** A reader gives a hundred entries at a time, and none at the end. */
async function contentOf(directory: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = directory.createReader();
  const content: FileSystemEntry[] = [];
  for (;;) {
    const more = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (more.length === 0) return content;
    content.push(...more);
  }
}

/**
 * The folder that looks like a whole site: everything chosen lies in it, and its front page, too.
 * Whoever drops it at the root of a site seldom wants its name in every address.
 */
export function siteFolder(files: readonly NewUpload[], into: string): string | null {
  const first = files[0]?.folder.split("/")[0];
  if (into !== "." || !first || first === ".") return null;
  const isAll = files.every(({ folder }) => folder === first || folder.startsWith(`${first}/`));
  const hasFront = files.some(({ file, folder }) => folder === first && file.name === "index.html");
  return isAll && hasFront ? first : null;
}

/** The files as they lie inside `outer`. */
export function unwrap(files: readonly NewUpload[], outer: string): NewUpload[] {
  return files.map(({ file, folder }) => ({ file, folder: folder === outer ? "." : folder.slice(outer.length + 1) }));
}

const isHidden = (name: string) => name.startsWith(".");

/** A folder or file inside a folder of a site; `.` is the root. */
export function join(folder: string, name: string): string {
  return folder === "." ? name : `${folder}/${name}`;
}
