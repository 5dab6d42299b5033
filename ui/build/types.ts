import { readFile } from "node:fs/promises";
import path from "node:path";

import openapi, { astToString, type OpenAPI3 } from "openapi-typescript";
import ts from "typescript";

const DOCUMENT = path.resolve(import.meta.dirname, "../../crates/panel/openapi.json");
export const TYPES = path.resolve(import.meta.dirname, "../src/api/schema.ts");

/** The types of the panel's API, made from the document that the server serves. */
export async function types(): Promise<string> {
  const document = JSON.parse(await readFile(DOCUMENT, "utf8")) as OpenAPI3;
  const nodes = await openapi(document, {
    rootTypes: true,
    rootTypesNoSchemaPrefix: true,
    // A member with a default may be left out of a request.
    defaultNonNullable: false,
    silent: true,
    // "Any JSON" refers to itself, which TypeScript refuses in an indexed type.
    transform: (_schema, { path: at }) =>
      at?.endsWith("/Json") ? ts.factory.createKeywordTypeNode(ts.SyntaxKind.UnknownKeyword) : undefined,
  });
  return `// Made from crates/panel/openapi.json by \`npm run types\`; not to be edited.\n${astToString(nodes)}`;
}
