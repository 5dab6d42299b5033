import { expect, test } from "vitest";

import { publicAddress } from "./public-address";

test.each([
  ["https://198.51.100.23:9292/", "https://wiki.lab.example.org"],
  ["https://panel.lab.example.org/", "https://wiki.lab.example.org"],
  ["https://panel.lab.example.org:8443/tunnels", "https://wiki.lab.example.org:8443"],
  ["https://[2001:db8::1]:9292/", "https://wiki.lab.example.org"],
])("from %s an app is at %s", (panel, address) => expect(publicAddress("wiki.lab.example.org", panel)).toBe(address));
