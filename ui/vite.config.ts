import path from "node:path";

import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

import { compressed } from "./build/compressed.ts";
import { guide } from "./build/guide.ts";
import { licences } from "./build/licences.ts";

const src = path.resolve(import.meta.dirname, "src");

export default defineConfig({
  plugins: [react(), tailwind(), guide(), licences(), compressed()],
  resolve: { alias: { "@": src } },
  build: {
    target: "es2022",
    // Chunks are named by what they are; the hash lets browsers keep them for ever.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
  },
  test: {
    environment: "jsdom",
    setupFiles: [path.join(src, "test-setup.ts")],
    restoreMocks: true,
    // Typing and clicking by simulation takes seconds where all cores are busy.
    testTimeout: 30_000,
  },
});
