import { useQuery } from "@tanstack/react-query";
import { FormProvider, useForm } from "react-hook-form";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { NewEnrollment } from "@/api/schema";
import { TextField } from "@/components/field";
import { FormEnd } from "@/components/form-end";
import { useSubmit } from "@/lib/use-submit";

import { RightsFields, type Rights } from "./rights-fields";
import { labelProblem, REFUSALS } from "./rules";

interface Values extends Rights {
  label: string;
}

interface NewAgentFormProps {
  /** The deed, as a verb with its object: `Make token`. */
  action: string;
  onSend: (agent: NewEnrollment) => Promise<void>;
  onCancel: () => void;
}

/** The name of an agent to be, and what it may do. */
export function NewAgentForm({ action, onSend, onCancel }: NewAgentFormProps) {
  const api = useApi();
  const agents = useQuery(queries.agents(api)).data?.agents ?? [];
  const form = useForm<Values>({
    mode: "onTouched",
    defaultValues: { label: "", capabilities: ["tunnels:write"], allowedSites: [] },
  });
  const { errors } = form.formState;
  const { submit, problem, busy } = useSubmit(
    form,
    ({ capabilities, ...rest }) => onSend({ ...rest, capabilities: ["tunnels:read", ...capabilities] }),
    REFUSALS,
  );
  return (
    <FormProvider {...form}>
      <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-4">
        <TextField
          label="Name of the agent"
          hint="For example the machine it runs on: small letters, digits and hyphens."
          placeholder="attic-nas"
          autoCapitalize="none"
          spellCheck={false}
          error={errors.label?.message}
          {...form.register("label", { validate: (label) => labelProblem(label, agents) })}
        />
        <details>
          <summary className="text-sm font-medium">What it may do</summary>
          <div className="flex flex-col gap-2.5 pt-3">
            <p className="text-sm text-soft">It always sees its own tunnels. All of this can be changed later.</p>
            <RightsFields />
          </div>
        </details>
        <FormEnd action={action} busy={busy} problem={problem} onCancel={onCancel} />
      </form>
    </FormProvider>
  );
}
