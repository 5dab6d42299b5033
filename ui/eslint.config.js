import js from "@eslint/js";
import hooks from "eslint-plugin-react-hooks";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

/** Screens reach the server through `Platform` alone, so that the desktop app can show them, too. */
const NETWORK = ["fetch", "WebSocket", "XMLHttpRequest", "EventSource"].map((name) => ({
  name,
  message: "Only src/platform speaks to the network; use the Platform interface.",
}));

/** The same for other addresses: only a link says by itself where it leads, in every window. */
const OPEN = "Use a link with target and rel; the desktop app hands those to the browser.";

export default defineConfig(
  { ignores: ["dist", "node_modules", "src/api/schema.ts", "public"] },
  js.configs.recommended,
  tseslint.configs.strict,
  hooks.configs.flat["recommended-latest"],
  {
    rules: {
      "no-restricted-globals": ["error", ...NETWORK, { name: "open", message: OPEN }],
      "no-restricted-properties": ["error", { object: "window", property: "open", message: OPEN }],
      "@typescript-eslint/consistent-type-imports": "error",
      "no-console": "error",
      // Speaks of the React Compiler, which is not in use.
      "react-hooks/incompatible-library": "off",
    },
  },
  { files: ["src/platform/**"], rules: { "no-restricted-globals": "off" } },
);
