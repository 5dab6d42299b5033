// @vitest-environment node
import { expect, test } from "vitest";

import { TYPES, types } from "../../build/types";

test("the types are those of the server's document (renew with `npm run types`)", async () => {
  await expect(await types()).toMatchFileSnapshot(TYPES);
});
