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
  let placed = true;
  for (const [field, message] of error.fields) {
    const name = (alias[field] ?? field) as Path<T>;
    if (name in form.getValues()) form.setError(name, { message }, { shouldFocus: true });
    else placed = false;
  }
  return placed;
}
