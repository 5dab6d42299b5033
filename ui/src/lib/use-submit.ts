import { useState } from "react";
import type { FieldValues, Path, UseFormReturn } from "react-hook-form";

import { ApiError, sentence } from "@/api/error";

/**
 * Sends a form and puts what the server says against it at the fields it names; the rest stands in
 * `problem`. What was typed stays whatever happens.
 *
 * @param alias fields of the API that the form knows by another name
 */
export function useSubmit<T extends FieldValues>(
  form: UseFormReturn<T>,
  send: (values: T) => Promise<unknown>,
  alias: Record<string, Path<T>> = {},
) {
  const [problem, setProblem] = useState<string | null>(null);
  const submit = form.handleSubmit(async (values) => {
    setProblem(null);
    try {
      await send(values);
    } catch (error) {
      if (!placeAtFields(form, error, alias)) setProblem(sentence(error));
    }
  });
  return { submit, problem, busy: form.formState.isSubmitting };
}

/** Whether every message found its field. */
function placeAtFields<T extends FieldValues>(
  form: UseFormReturn<T>,
  error: unknown,
  alias: Record<string, Path<T>>,
): boolean {
  if (!(error instanceof ApiError) || error.fields.size === 0) return false;
  const messages = new Map([...error.fields].map(([field, message]) => [alias[field] ?? field, message]));
  // In the order of the form, so that its first wrong field is the one to stand in.
  const wrong = Object.keys(form.getValues()).filter((name) => messages.has(name)) as Path<T>[];
  for (const [nth, name] of wrong.entries()) {
    form.setError(name, { message: messages.get(name) as string }, { shouldFocus: nth === 0 });
  }
  return wrong.length === messages.size;
}
