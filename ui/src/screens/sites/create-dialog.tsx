import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useForm, useWatch } from "react-hook-form";
import { useNavigate } from "react-router";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { Dialog } from "@/components/dialog";
import { CheckboxField, TextField } from "@/components/field";
import { FormEnd } from "@/components/form-end";
import { useToast } from "@/components/toast-context";
import { useSubmit } from "@/lib/use-submit";

import { Choice, Choices } from "./choices";
import { customDomainProblem, REFUSALS, siteNameProblem } from "./rules";

export function CreateDialog({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Create site" lead="Its files are uploaded afterwards.">
      <CreateForm onDone={() => onOpenChange(false)} />
    </Dialog>
  );
}

function CreateForm({ onDone }: { onDone: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  const navigate = useNavigate();
  const domain = useQuery(queries.onboarding(api)).data?.domain;
  const form = useForm({
    defaultValues: { type: "managed", name: "", customDomain: "", visitors: "everybody", spaMode: false },
  });
  const { errors } = form.formState;
  const managed = useWatch({ control: form.control, name: "type" }) === "managed";
  const { submit, problem, busy } = useSubmit(form, async ({ type, name, customDomain, visitors, spaMode }) => {
    const common = { name, spaMode, autheliaProtected: visitors === "signed-in" };
    const body = type === "managed" ? { ...common, type } as const : { ...common, type: "custom", customDomain } as const;
    const { site, message } = await api.post("/api/sites", { body });
    await cache.invalidateQueries({ queryKey: ["sites"] });
    toast.done(message ?? `${site.fqdn} was created.`);
    onDone();
    void navigate(`/sites/${site.id}`);
  }, REFUSALS);
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-4">
      <Choices label="Address" error={errors.type?.message}>
        <Choice
          label="Below this server’s domain"
          hint={domain ? `Such as handbook.${domain}. DNS is ready for it.` : "DNS is ready for it."}
          value="managed"
          {...form.register("type")}
        />
        <Choice
          label="A domain of its own"
          hint="Such as www.example.net. You create a DNS record for it; the next page shows which."
          value="custom"
          {...form.register("type")}
        />
      </Choices>
      <TextField
        label="Name"
        hint={managed ? undefined : "For you, to find it in this panel."}
        suffix={managed && domain ? `.${domain}` : undefined}
        autoCapitalize="none"
        spellCheck={false}
        error={errors.name?.message}
        {...form.register("name", { validate: (name, { type }) => siteNameProblem(name, type === "managed") })}
      />
      {!managed && (
        <TextField
          label="Domain"
          placeholder="www.example.net"
          inputMode="url"
          autoCapitalize="none"
          spellCheck={false}
          error={errors.customDomain?.message}
          {...form.register("customDomain", {
            setValueAs: (typed: string) => typed.trim(),
            validate: (name, { type }) => type === "managed" || customDomainProblem(name),
          })}
        />
      )}
      <Choices label="Who may visit">
        <Choice label="Everybody" hint="The site is public as soon as it is live." value="everybody" {...form.register("visitors")} />
        <Choice
          label="People who sign in"
          hint="With password and one-time code, see Users. You can name single people later."
          value="signed-in"
          {...form.register("visitors")}
        />
      </Choices>
      <CheckboxField
        label="Single-page application"
        hint="Unknown addresses answer with index.html, as React, Vue or Angular apps need it."
        error={errors.spaMode?.message}
        {...form.register("spaMode")}
      />
      <FormEnd
        action="Create site"
        busy={busy}
        problem={problem}
        waiting="The certificate is being fetched; this can take a minute."
        onCancel={onDone}
      />
    </form>
  );
}
