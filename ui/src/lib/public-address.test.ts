import { expect, test } from "vitest";

import { publicAddress } from "./public-address";

test.each([
  [443, "https://wiki.lab.example.org"],
  [8443, "https://wiki.lab.example.org:8443"],
])("visitors who arrive at port %d come by %s", (port, address) =>
  expect(publicAddress("wiki.lab.example.org", port)).toBe(address),
);
