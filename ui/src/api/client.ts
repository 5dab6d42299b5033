import type { ApiRequest, Platform } from "@/platform/platform";

import { ApiError } from "./error";
import type { paths } from "./schema";

type Method = "get" | "post" | "put" | "patch" | "delete";

/** The routes that know a method. */
type Route<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never;
}[keyof paths];

type Operation<M extends Method, P extends Route<M>> = paths[P][M];

type JsonOf<R> = R extends { content: { "application/json": infer Body } } ? Body : undefined;

/** What a route answers when all is well. */
export type Answer<M extends Method, P extends Route<M>> =
  Operation<M, P> extends { responses: infer R }
    ? JsonOf<R[Extract<keyof R, 200 | 201 | 202>]>
    : never;

type PathOf<O> = O extends { parameters: { path: infer Path extends object } } ? { path: Path } : unknown;
type QueryOf<O> = O extends { parameters: { query?: infer Query } }
  ? [Exclude<Query, undefined>] extends [never]
    ? unknown
    : { query?: Exclude<Query, undefined> }
  : unknown;
type JsonBody<Body> = { content: { "application/json": Body } };
type BodyOf<O> = O extends { requestBody: JsonBody<infer Body> }
  ? { body: Body }
  : O extends { requestBody?: infer R }
    ? Exclude<R, undefined> extends JsonBody<infer Body>
      ? [R] extends [undefined]
        ? unknown
        : { body?: Body }
      : unknown
    : unknown;

type Input<O> = PathOf<O> & QueryOf<O> & BodyOf<O>;
type Given<O> = Input<O> & { signal?: AbortSignal | undefined };
/** What a call takes after the route; nothing when the route takes nothing. */
type Rest<O> = Record<never, never> extends Input<O> ? [given?: Given<O>] : [given: Given<O>];

/**
 * The panel's API with the types of its own document: a wrong path, field or parameter does not
 * compile. Every call resolves with the body of a good answer.
 *
 * @throws ApiError for every refusal, Unreachable when no answer came.
 */
export class Api {
  readonly #platform: Platform;

  constructor(platform: Platform) {
    this.#platform = platform;
  }

  get<P extends Route<"get">>(path: P, ...rest: Rest<Operation<"get", P>>): Promise<Answer<"get", P>> {
    return this.#call("GET", path, rest[0]);
  }
  post<P extends Route<"post">>(path: P, ...rest: Rest<Operation<"post", P>>): Promise<Answer<"post", P>> {
    return this.#call("POST", path, rest[0]);
  }
  put<P extends Route<"put">>(path: P, ...rest: Rest<Operation<"put", P>>): Promise<Answer<"put", P>> {
    return this.#call("PUT", path, rest[0]);
  }
  patch<P extends Route<"patch">>(path: P, ...rest: Rest<Operation<"patch", P>>): Promise<Answer<"patch", P>> {
    return this.#call("PATCH", path, rest[0]);
  }
  delete<P extends Route<"delete">>(path: P, ...rest: Rest<Operation<"delete", P>>): Promise<Answer<"delete", P>> {
    return this.#call("DELETE", path, rest[0]);
  }

  async #call<T>(method: ApiRequest["method"], template: string, given: unknown): Promise<T> {
    const { path, query, body, signal } = (given ?? {}) as {
      path?: Record<string, string>;
      query?: Record<string, unknown>;
      body?: unknown;
      signal?: AbortSignal;
    };
    const answer = await this.#platform.request({ method, path: address(template, path, query), body, signal });
    if (answer.status >= 400) throw ApiError.of(answer);
    return answer.body as T;
  }
}

/** Fills a route's parameters in and adds its query; absent members of the query are left out. */
export function address(
  template: string,
  path: Record<string, string> = {},
  query: Record<string, unknown> = {},
): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = path[name];
    if (value === undefined) throw new Error(`${template} needs ${name}`);
    return encodeURIComponent(value);
  });
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") pairs.set(name, String(value));
  }
  return pairs.size > 0 ? `${filled}?${pairs}` : filled;
}
