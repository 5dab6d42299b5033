import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useForm, useWatch } from "react-hook-form";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { Tunnel } from "@/api/schema";
import { Dialog } from "@/components/dialog";
import { TextField } from "@/components/field";
import { FormEnd } from "@/components/form-end";
import { Notice } from "@/components/notice";
import { useSubmit } from "@/lib/use-submit";

import { AccessField, AdvancedFields, AgentField } from "./fields";
import { live, portProblem, REFUSALS, subdomainProblem } from "./rules";
import { NEW, newTunnel, type Values } from "./values";

interface CreateDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onMade: (tunnel: Tunnel) => void;
}

export function CreateDialog({ open, onOpenChange, onMade }: CreateDialogProps) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="Make a tunnel"
      lead="Puts an app that runs at home at a host name of this server."
    >
      <CreateForm onMade={onMade} onCancel={() => onOpenChange(false)} />
    </Dialog>
  );
}

function CreateForm({ onMade, onCancel }: { onMade: (tunnel: Tunnel) => void; onCancel: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const domain = useQuery(queries.onboarding(api)).data?.domain ?? undefined;
  const tunnels = useQuery(queries.tunnels(api)).data?.tunnels ?? [];
  const sites = useQuery(queries.sites(api)).data?.sites ?? [];
  const agents = live(useQuery(queries.agents(api)).data?.agents ?? []);
  const only = agents.length === 1 ? agents[0] : undefined;
  const form = useForm<Values>({ mode: "onChange", defaultValues: NEW });
  const name = useWatch({ control: form.control, name: "subdomain" });
  const { errors } = form.formState;
  const { submit, problem, busy } = useSubmit(form, async (values) => {
    const { tunnel } = await api.post("/api/tunnels", { body: newTunnel(values) });
    await cache.invalidateQueries({ queryKey: ["tunnels"] });
    onMade(tunnel);
  }, REFUSALS);
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-4">
      <TextField
        label="Name"
        suffix={domain && `.${domain}`}
        placeholder="wiki"
        autoCapitalize="none"
        spellCheck={false}
        autoFocus
        error={errors.subdomain?.message}
        {...form.register("subdomain", { validate: (typed) => subdomainProblem(typed, { domain, tunnels, sites }) })}
      />
      {agents.length > 1 && <AgentField form={form} agents={agents} />}
      <TextField
        label="Port of the app"
        hint={`Where the app listens on ${only ? only.label : "the agent’s machine"}, from 1024 to 65535.`}
        inputMode="numeric"
        placeholder="8400"
        error={errors.port?.message}
        {...form.register("port", {
          validate: (typed, { agentLabel }) => portProblem(typed, agentLabel || (only?.label ?? ""), tunnels),
        })}
      />
      {agents.length === 0 && <Notice>No agent is enrolled yet. The first that enrols will serve this tunnel.</Notice>}
      <AccessField form={form} />
      <TextField
        label="Description"
        hint="Only for you, to find it again. May stay empty."
        maxLength={200}
        error={errors.description?.message}
        {...form.register("description")}
      />
      <AdvancedFields form={form} isApp />
      <FormEnd
        action="Make tunnel"
        busy={busy}
        problem={problem}
        waiting={`Getting a certificate for ${name}. This can take a minute.`}
        onCancel={onCancel}
      />
    </form>
  );
}
