import { useId, type ComponentProps, type ReactNode } from "react";

import { FieldError } from "@/components/field";

/** One of a few, each with what it means. */
export function Choices({ label, error, children }: { label: string; error?: string | undefined; children: ReactNode }) {
  const id = useId();
  return (
    <fieldset aria-describedby={error && `${id}-error`} className="flex min-w-0 flex-col gap-2">
      <legend className="mb-1.5 text-sm font-medium">{label}</legend>
      {children}
      <FieldError id={id} error={error} />
    </fieldset>
  );
}

/** Spread `register("name")` of a form into it; `value` is what the form then holds. */
export function Choice({ label, hint, ...rest }: ComponentProps<"input"> & { label: string; hint?: string }) {
  const id = useId();
  return (
    <label className="flex min-h-11 cursor-pointer items-start gap-2.5 rounded-lg border border-line px-3 py-2.5 text-sm has-checked:border-accent has-checked:bg-accent-tint">
      <input
        type="radio"
        className="mt-0.5 size-4.5 shrink-0 accent-accent"
        aria-labelledby={`${id}-label`}
        aria-describedby={hint ? `${id}-hint` : undefined}
        {...rest}
      />
      <span className="min-w-0">
        <span id={`${id}-label`} className="font-medium">
          {label}
        </span>
        {hint && (
          <span id={`${id}-hint`} className="block text-soft">
            {hint}
          </span>
        )}
      </span>
    </label>
  );
}
