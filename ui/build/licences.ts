import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

import type { Plugin } from "vite";

const FILE = "licences.txt";
const HEAD = "The panel contains parts of these packages, each under its own licence.";

/** Puts the licences of all packages whose code is in a build beside it, in the words of each. */
export function licences(): Plugin {
  return {
    name: "portlama:licences",
    apply: "build",
    async generateBundle(_, bundle) {
      const modules = Object.values(bundle).flatMap((part) => (part.type === "chunk" ? part.moduleIds : []));
      const folders = [...new Set(modules.flatMap((id) => packageFolder(id) ?? []))];
      const parts = await Promise.all(folders.map(describe));
      const unique = [...new Set(parts)].toSorted((a, b) => a.localeCompare(b));
      this.emitFile({ type: "asset", fileName: FILE, source: [HEAD, ...unique].join(`\n\n${"-".repeat(72)}\n\n`) });
    },
  };
}

/** The folder of the package that a module belongs to; none for the panel's own. */
export function packageFolder(id: string): string | null {
  return /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1] ?? null;
}

interface Manifest {
  name: string;
  version: string;
  license?: string;
}

/** @throws when a package names no licence: then nobody may hand it on. */
async function describe(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8")) as Manifest;
  if (!license) throw new Error(`${name} names no licence`);
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice)/i.test(file)).toSorted();
  const texts = await Promise.all(files.map((file) => readFile(path.join(folder, file), "utf8")));
  return [`${name} ${version}\nLicence: ${license}`, ...texts.map((text) => text.trim())].join("\n\n");
}
