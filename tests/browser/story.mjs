// Tests that build on each other.
import assert from "node:assert/strict";
import { test } from "node:test";

/** Makes the function for steps in their order: one makes no sense when one before it failed. */
export function story() {
  let broken = false;
  return (name, run) =>
    test(name, async () => {
      assert.ok(!broken, "an earlier step failed");
      broken = true;
      await run();
      broken = false;
    });
}
