import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useForm } from "react-hook-form";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { Tunnel } from "@/api/schema";
import { Dialog } from "@/components/dialog";
import { TextField } from "@/components/field";
import { FormEnd } from "@/components/form-end";
import { useToast } from "@/components/toast-context";
import { useSubmit } from "@/lib/use-submit";

import { AccessField, AdvancedFields, AgentField } from "./fields";
import { live, REFUSALS } from "./rules";
import { changes, valuesOf, type Values } from "./values";

export function EditDialog({ tunnel, onClose }: { tunnel: Tunnel; onClose: () => void }) {
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={`Edit ${tunnel.fqdn}`}
      lead={
        tunnel.type === "app"
          ? "Its name and port stay: they are what it is. To change them, make another tunnel."
          : "The panel of an agent opens by certificate and stays with its agent."
      }
    >
      <EditForm tunnel={tunnel} onDone={onClose} />
    </Dialog>
  );
}

function EditForm({ tunnel, onDone }: { tunnel: Tunnel; onDone: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  const agents = live(useQuery(queries.agents(api)).data?.agents ?? []);
  const before = valuesOf(tunnel);
  const form = useForm<Values>({ defaultValues: before });
  const isApp = tunnel.type === "app";
  const { submit, problem, busy } = useSubmit(form, async (values) => {
    // What the list holds now may be newer than the form; only what was changed here is sent.
    const body = changes(form.formState.defaultValues as Values, values);
    if (Object.keys(body).length === 0) return onDone();
    await api.patch("/api/tunnels/{id}", { path: { id: tunnel.id }, body });
    await cache.invalidateQueries({ queryKey: ["tunnels"] });
    toast.done(`${tunnel.fqdn} was changed.`);
    onDone();
  }, REFUSALS);
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-4">
      {isApp && <AccessField form={form} />}
      {isApp && (agents.length > 0 || before.agentLabel) && (
        <AgentField form={form} agents={agents} before={before.agentLabel} />
      )}
      <TextField
        label="Description"
        hint="Only for you, to find it again. May stay empty."
        maxLength={200}
        error={form.formState.errors.description?.message}
        {...form.register("description")}
      />
      <AdvancedFields form={form} isApp={isApp} />
      <FormEnd action="Save changes" busy={busy} problem={problem} onCancel={onDone} />
    </form>
  );
}
