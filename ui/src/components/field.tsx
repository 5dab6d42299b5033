import { Switch as RadixSwitch } from "radix-ui";
import { useId, type ComponentProps, type ReactNode } from "react";

import { cn } from "@/lib/cn";
import { Words } from "./words";

const INPUT =
  "w-full min-w-0 rounded-lg border border-line-strong bg-surface px-3 placeholder:text-soft " +
  "aria-invalid:border-bad disabled:opacity-60 pointer-coarse:text-base";

interface Labelled {
  label: ReactNode;
  hint?: ReactNode;
  /** What is wrong with it, by the form or by the server. */
  error?: string | undefined;
}

interface FrameProps extends Labelled {
  id: string;
  children: ReactNode;
}

function Frame({ id, label, hint, error, children }: FrameProps) {
  return (
    <div className="flex min-w-0 flex-col gap-1.5">
      <label htmlFor={id} className="text-sm font-medium">
        {label}
      </label>
      {children}
      {hint && (
        <p id={`${id}-hint`} className="text-sm text-soft">
          {hint}
        </p>
      )}
      <FieldError id={id} error={error} />
    </div>
  );
}

/** What is wrong with the field, or the group of fields, whose id it has. */
export function FieldError({ id, error }: { id: string; error: string | undefined }) {
  return (
    <p id={`${id}-error`} aria-live="polite" className={cn("text-sm text-bad", !error && "sr-only")}>
      {error && <Words>{error}</Words>}
    </p>
  );
}

function described(id: string, { hint, error }: Labelled) {
  const by = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return { id, "aria-describedby": by || undefined, "aria-invalid": error ? true : undefined };
}

interface TextFieldProps extends ComponentProps<"input">, Labelled {
  /** Follows what is typed, such as `.example.com`. */
  suffix?: string | undefined;
}

/** Spread `register("name")` of a form into it. */
export function TextField({ label, hint, error, suffix, className, ...rest }: TextFieldProps) {
  const id = useId();
  const input = (
    <input
      {...described(id, { label, hint, error })}
      className={cn(INPUT, "h-10 pointer-coarse:h-11", suffix && "rounded-r-none", className)}
      autoComplete="off"
      {...rest}
    />
  );
  return (
    <Frame id={id} label={label} hint={hint} error={error}>
      {suffix ? (
        <div className="flex">
          {input}
          <span className="flex max-w-[60%] shrink-0 items-center truncate rounded-r-lg border border-l-0 border-line-strong bg-sunken px-3 text-sm text-soft">
            {suffix}
          </span>
        </div>
      ) : (
        input
      )}
    </Frame>
  );
}

export function TextAreaField({ label, hint, error, className, ...rest }: ComponentProps<"textarea"> & Labelled) {
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} error={error}>
      <textarea {...described(id, { label, hint, error })} className={cn(INPUT, "min-h-24 py-2", className)} {...rest} />
    </Frame>
  );
}

/** The system's own list: it works with every keyboard, finger and reader. */
export function SelectField({ label, hint, error, className, ...rest }: ComponentProps<"select"> & Labelled) {
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} error={error}>
      <select
        {...described(id, { label, hint, error })}
        className={cn(INPUT, "h-10 pointer-coarse:h-11", className)}
        {...rest}
      />
    </Frame>
  );
}

export function CheckboxField({ label, hint, error, className, ...rest }: ComponentProps<"input"> & Labelled) {
  const id = useId();
  return (
    <div className={cn("flex flex-col gap-1", className)}>
      <label htmlFor={id} className="flex min-h-6 items-start gap-2.5 text-sm pointer-coarse:min-h-11">
        <input
          type="checkbox"
          {...described(id, { label, hint, error })}
          className="mt-0.5 size-4.5 shrink-0 accent-accent"
          {...rest}
        />
        <span className="font-medium">{label}</span>
      </label>
      {hint && (
        <p id={`${id}-hint`} className="pl-7 text-sm text-soft">
          {hint}
        </p>
      )}
      <FieldError id={id} error={error} />
    </div>
  );
}

interface SwitchProps {
  /** Names the switch to whoever can't see what stands beside it. */
  label: string;
  checked: boolean;
  disabled?: boolean;
  onChange: (checked: boolean) => void;
}

/** On or off, at once. In a form that is saved later, use a checkbox. */
export function Switch({ label, checked, disabled = false, onChange }: SwitchProps) {
  return (
    <RadixSwitch.Root
      aria-label={label}
      checked={checked}
      disabled={disabled}
      onCheckedChange={onChange}
      className="inline-flex h-6 w-10 shrink-0 items-center rounded-full border border-line-strong bg-sunken transition-colors disabled:opacity-50 data-[state=checked]:border-accent data-[state=checked]:bg-accent"
    >
      <RadixSwitch.Thumb className="size-4.5 translate-x-0.5 rounded-full bg-line-strong transition-transform data-[state=checked]:translate-x-4.5 data-[state=checked]:bg-accent-ink" />
    </RadixSwitch.Root>
  );
}
