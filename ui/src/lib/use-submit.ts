import { useState, type BaseSyntheticEvent } from "react";
import type { FieldValues, Path, UseFormReturn } from "react-hook-form";

import { ApiError, sentence, asSentence } from "@/api/error";

import { fieldsOf, type Refusals } from "./refusals";

/**
 * Sends a form and puts what the server says against it at the fields it speaks of; the rest stands
 * in `problem`. What was typed stays whatever happens.
 *
 * @param refusals what the server says without naming a field
 */
export function useSubmit<T extends FieldValues>(
  form: UseFormReturn<T>,
  send: (values: T) => Promise<unknown>,
  refusals: Refusals = [],
) {
  const [problem, setProblem] = useState<string | null>(null);
  const submit = form.handleSubmit(async (values, event) => {
    setProblem(null);
    try {
      await send(values);
    } catch (error) {
      const shown = fieldsShown(event);
      const { messages, rest } = sortOut(error, refusals, [...shown.keys()]);
      // In the order of the form, so that its first wrong field is the one to stand in.
      const wrong = [...shown].filter(([name]) => messages.has(name));
      for (const [nth, [name, field]] of wrong.entries()) {
        uncover(field);
        form.setError(name as Path<T>, { message: messages.get(name) ?? "" }, { shouldFocus: nth === 0 });
      }
      if (rest) setProblem(sentence(error));
    }
  });
  return { submit, problem, busy: form.formState.isSubmitting };
}

/** What is on the page: a message at any other field would be seen by nobody. */
function fieldsShown(event: BaseSyntheticEvent | undefined): Map<string, Element> {
  const form: unknown = event?.target;
  if (!(form instanceof HTMLFormElement)) return new Map();
  const fields = [...form.elements].map((field) => [field.getAttribute("name") ?? "", field] as const);
  return new Map(fields.filter(([name]) => name !== ""));
}

/** Which message belongs to which field, and whether something of the failure belongs to none. */
function sortOut(error: unknown, refusals: Refusals, shown: readonly string[]) {
  const messages = new Map<string, string>();
  if (!(error instanceof ApiError)) return { messages, rest: true };
  const field = fieldsOf(error, refusals).find((name) => shown.includes(name));
  if (field) return { messages: messages.set(field, sentence(error)), rest: false };
  let rest = error.fields.size === 0;
  for (const [path, message] of error.fields) {
    const [name = "", index] = path.split(".");
    if (!shown.includes(name)) rest = true;
    else if (!messages.has(name)) messages.set(name, issueSentence(message, index));
  }
  return { messages, rest };
}

/** Messages stand behind the name of their field elsewhere; here they stand alone. */
function issueSentence(message: string, index: string | undefined): string {
  if (index !== undefined) return asSentence(`Number ${Number(index) + 1} ${message}`);
  return asSentence(message);
}

/** Opens what hides a field. */
function uncover(field: Element) {
  for (let above = field.closest("details"); above; above = above.parentElement?.closest("details") ?? null) above.open = true;
}
