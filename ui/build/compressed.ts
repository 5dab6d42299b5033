import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";

import type { Plugin } from "vite";

/** Text below this many octets gains nothing from compression worth a second file. */
const WORTHWHILE_BYTES = 1024;

const compress = promisify(brotliCompress);

/**
 * Puts a Brotli copy beside every text file of a build, so that the server, whose processor is
 * small, compresses nothing itself. It waits for the files: their text changes until they are
 * written.
 */
export function compressed(): Plugin {
  return {
    name: "portlama:compressed",
    apply: "build",
    async writeBundle({ dir = "dist" }, bundle) {
      const texts = Object.keys(bundle).filter((name) => /\.(js|css|svg|txt)$/.test(name));
      await Promise.all(texts.map((name) => copy(path.join(dir, name))));
    },
  };
}

async function copy(file: string) {
  const octets = await readFile(file);
  if (octets.length < WORTHWHILE_BYTES) return;
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: octets.length,
  };
  await writeFile(`${file}.br`, await compress(octets, { params }));
}
