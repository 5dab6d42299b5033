// The demo as a process.
import { given, start } from "./process.mjs";

/** Starts `portlama demo --json` on free ports; resolves when it is ready. */
export function startDemo() {
  return start(given("PORTLAMA_BINARY"), ["demo", "--json", "--port", "0"]);
}
