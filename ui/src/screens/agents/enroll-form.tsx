import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useForm, useWatch } from "react-hook-form";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { Capability, Enrollment } from "@/api/schema";
import { Button } from "@/components/button";
import { DialogActions } from "@/components/dialog";
import { CheckboxField, TextField } from "@/components/field";
import { Notice } from "@/components/notice";
import { useSubmit } from "@/lib/use-submit";

import { CAPABILITIES, labelProblem } from "./rules";

interface Values {
  label: string;
  capabilities: Capability[];
  allowedSites: string[];
}

export function EnrollForm({ onMade, onCancel }: { onMade: (made: Enrollment) => void; onCancel: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const agents = useQuery(queries.agents(api)).data?.agents ?? [];
  const form = useForm<Values>({
    mode: "onTouched",
    defaultValues: { label: "", capabilities: ["tunnels:write"], allowedSites: [] },
  });
  const { errors } = form.formState;
  const chosen = useWatch({ control: form.control, name: "capabilities" });
  const { submit, problem, busy } = useSubmit(form, async ({ label, capabilities, allowedSites }) => {
    const body = { label, capabilities: ["tunnels:read" as const, ...capabilities], allowedSites };
    onMade(await api.post("/api/certs/agent/enroll", { body }));
    await cache.invalidateQueries({ queryKey: ["agents"] });
  });
  return (
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
          {CAPABILITIES.map(({ name, label, hint }) => (
            <CheckboxField key={name} label={label} hint={hint} value={name} {...form.register("capabilities")} />
          ))}
          <p className="text-sm text-bad empty:hidden">{errors.capabilities?.message}</p>
          <SiteChoice chosen={chosen} field={form.register("allowedSites")} />
        </div>
      </details>
      {problem && (
        <Notice tone="bad" urgent>
          {problem}
        </Notice>
      )}
      <DialogActions>
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" variant="primary" busy={busy}>
          Make token
        </Button>
      </DialogActions>
    </form>
  );
}

interface SiteChoiceProps {
  chosen: Capability[];
  field: ReturnType<ReturnType<typeof useForm<Values>>["register"]>;
}

/** Which sites it may touch; asked only when it may touch any. */
function SiteChoice({ chosen, field }: SiteChoiceProps) {
  const api = useApi();
  const sites = useQuery(queries.sites(api)).data?.sites ?? [];
  if (!chosen.some((name) => name.startsWith("sites:"))) return null;
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-2 text-sm font-medium">Its sites</legend>
      {sites.length === 0 && <p className="text-sm text-soft">There are no sites yet.</p>}
      {sites.map(({ id, name, fqdn }) => (
        <CheckboxField key={id} label={fqdn} value={name} {...field} />
      ))}
    </fieldset>
  );
}
