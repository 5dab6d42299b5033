import type { ApiAnswer } from "@/platform/platform";

import type { ErrorBody, ErrorMembers } from "./schema";

/** What the server says to a certificate that is good and a session that is over. */
const SECOND_FACTOR_REQUIRED = "2fa_required";

/** A refusal of the API, with everything it said. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  readonly details: ErrorMembers;
  /** Whether the panel itself refused: something before it has no words of the API. */
  readonly isWorded: boolean;
  /** Whole seconds after which another try may fare better. */
  readonly retryAfter: number | undefined;

  private constructor(
    status: number,
    message: string | undefined,
    details: ErrorMembers,
    retryAfter: number | undefined,
  ) {
    super(message ?? `The server answered with status ${status}.`);
    this.isWorded = message !== undefined;
    this.status = status;
    this.details = details;
    this.retryAfter = retryAfter;
  }

  static of(answer: ApiAnswer): ApiError {
    const body = isErrorBody(answer.body) ? answer.body : undefined;
    const details = typeof body?.details === "string" ? { hint: body.details } : (body?.details ?? {});
    return new ApiError(
      answer.status,
      body?.error,
      details,
      body?.retryAfter ?? answer.retryAfter,
    );
  }

  /** The way out, in a sentence, where the server knows one. */
  get hint(): string | undefined {
    return this.details.hint ?? undefined;
  }

  /** What is wrong with which field: dotted path to message. The first message of a field counts. */
  get fields(): Map<string, string> {
    const fields = new Map<string, string>();
    for (const issue of this.details.issues ?? []) {
      const path = issue.path.join(".");
      if (!fields.has(path)) fields.set(path, issue.message);
    }
    return fields;
  }
}

function isErrorBody(body: unknown): body is ErrorBody {
  return typeof body === "object" && body !== null && "error" in body && typeof body.error === "string";
}

/** Whether the server wants a one-time code first: the session of the last one is over. */
export function needsCode(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401 && error.message === SECOND_FACTOR_REQUIRED;
}

/** Whether the server takes this browser's certificate no more; asking again fares no better. */
export function isCertificateRefused(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  // The help page about certificates is HTML, and comes with this status.
  return error.details.certificate !== undefined || (error.status === 400 && !error.isWorded);
}

/** A failure as one or two sentences for a person. */
export function sentence(error: unknown): string {
  if (needsCode(error)) {
    return "Your session is over. Open the panel in another window, enter a one-time code there, and try again here.";
  }
  if (error instanceof ApiError) {
    const wait = error.retryAfter ? ` Try again in ${error.retryAfter} s.` : "";
    const issues = [...error.fields].map(([field, message]) => (field ? `\`${field}\` ${message}` : message));
    const more = issues.length > 0 ? `${issues.join("; ")}.` : error.hint;
    return [asSentence(error.message), more && asSentence(more)].filter(Boolean).join(" ") + wait;
  }
  return error instanceof Error ? asSentence(error.message) : "Something went wrong.";
}

/**
 * A text of the server as a sentence: most begin in lower case, as they stand behind a colon
 * elsewhere. A name or a number at the head stays as it is.
 */
export function asSentence(text: string): string {
  const begun = /^[a-z]+(?![\w.@-]|:\S)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
