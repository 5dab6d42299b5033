import { render } from "@testing-library/react";
import { expect, test } from "vitest";

import { Words } from "./words";

const shown = (text: string) => render(<Words>{text}</Words>).container;

test.each([
  ["Run `portlama agent allow 80`, then `x`.", "Run portlama agent allow 80, then x.", ["portlama agent allow 80", "x"]],
  ["`attic` has no connection", "attic has no connection", ["attic"]],
  ["plain", "plain", []],
  ["one ` alone", "one ` alone", []],
])("%s", (text, words, codes) => {
  const page = shown(text);
  expect(page).toHaveTextContent(words);
  expect([...page.querySelectorAll("code")].map((code) => code.textContent)).toEqual(codes);
});
