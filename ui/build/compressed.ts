import { brotliCompressSync, constants } from "node:zlib";

import type { Plugin } from "vite";

/** Text below this many octets gains nothing from compression worth a second file. */
const WORTHWHILE_BYTES = 1024;

/**
 * Puts a Brotli copy beside every text file of a build, so that the server, whose processor is
 * small, compresses nothing itself.
 */
export function compressed(): Plugin {
  return {
    name: "portlama:compressed",
    apply: "build",
    enforce: "post",
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (!/\.(js|css|svg)$/.test(file.fileName)) continue;
        const content = file.type === "chunk" ? file.code : file.source;
        const octets = Buffer.from(content);
        if (octets.length < WORTHWHILE_BYTES) continue;
        this.emitFile({
          type: "asset",
          fileName: `${file.fileName}.br`,
          source: brotliCompressSync(octets, {
            params: {
              [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
              [constants.BROTLI_PARAM_SIZE_HINT]: octets.length,
            },
          }),
        });
      }
    },
  };
}
