import { useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useForm } from "react-hook-form";

import { useApi } from "@/api/context";
import { TextField } from "@/components/field";
import { FormEnd } from "@/components/form-end";
import { useToast } from "@/components/toast-context";
import { useSubmit } from "@/lib/use-submit";

import { CODE_DIGITS, CODE_REFUSALS, codeProblem, plainCode } from "./code";

interface CodeFormProps {
  route: "/api/settings/2fa/confirm" | "/api/settings/2fa/disable";
  action: string;
  danger?: boolean;
  /** What holds from then on. */
  done: string;
  onClose: () => void;
  /** What stands above the code. */
  children?: ReactNode;
}

/** Turns the codes of the panel on or off, by one of them. */
export function CodeForm({ route, action, danger, done, onClose, children }: CodeFormProps) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  const form = useForm({ defaultValues: { code: "" } });
  const { submit, problem, busy } = useSubmit(
    form,
    async ({ code }) => {
      await api.post(route, { body: { code: plainCode(code) } });
      await cache.invalidateQueries({ queryKey: ["two-factor"] });
      toast.done(done);
      onClose();
    },
    CODE_REFUSALS,
  );
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-4">
      {children}
      <TextField
        label="Code from the authenticator app"
        hint="Six digits. They change every 30 seconds."
        inputMode="numeric"
        autoComplete="one-time-code"
        autoFocus
        // Apps show a code in two groups; pasted, it may have the gap.
        maxLength={CODE_DIGITS + 1}
        className="max-w-40 font-mono tracking-widest"
        error={form.formState.errors.code?.message}
        {...form.register("code", { validate: codeProblem })}
      />
      <FormEnd action={action} danger={danger} busy={busy} problem={problem} onCancel={onClose} />
    </form>
  );
}
