import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { FormProvider, useForm } from "react-hook-form";

import { useApi } from "@/api/context";
import type { Agent } from "@/api/schema";
import { Dialog } from "@/components/dialog";
import { FormEnd } from "@/components/form-end";
import { Notice } from "@/components/notice";
import { useToast } from "@/components/toast-context";
import { useSubmit } from "@/lib/use-submit";
import { RightsFields, type Rights } from "@/screens/agents/rights-fields";

import { chosenCapabilities, sameMembers } from "./rules";

/** Changes what an agent may do and with which sites. */
export function RightsDialog({ agent, onClose }: { agent: Agent; onClose: () => void }) {
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={`What ${agent.label} may do`}
      lead="It always sees its own tunnels. A change holds from its next request on; its tunnels go on."
    >
      <RightsForm agent={agent} onDone={onClose} />
    </Dialog>
  );
}

function RightsForm({ agent, onDone }: { agent: Agent; onDone: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  const { label } = agent;
  const [isHalfDone, setIsHalfDone] = useState(false);
  const form = useForm<Rights>({ defaultValues: { capabilities: agent.capabilities, allowedSites: agent.allowedSites } });
  const { submit, problem, busy } = useSubmit(form, async (rights) => {
    const capabilities = chosenCapabilities(rights.capabilities, agent.capabilities);
    const { allowedSites } = rights;
    setIsHalfDone(false);
    // Two routes: what did not change is not asked for.
    const newCapabilities = !sameMembers(capabilities, agent.capabilities);
    if (newCapabilities) {
      await api.patch("/api/certs/agent/{label}/capabilities", { path: { label }, body: { capabilities } });
    }
    try {
      if (!sameMembers(allowedSites, agent.allowedSites)) {
        await api.patch("/api/certs/agent/{label}/allowed-sites", { path: { label }, body: { allowedSites } });
      }
    } catch (error) {
      setIsHalfDone(newCapabilities);
      throw error;
    } finally {
      // Also what was done before a refusal; another try then asks only for the rest.
      await cache.invalidateQueries({ queryKey: ["agents"] });
    }
    toast.done(`The rights of ${label} were saved.`);
    onDone();
  });
  return (
    <FormProvider {...form}>
      <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-3">
        <RightsFields had={agent.allowedSites} />
        {isHalfDone && (
          <Notice tone="warn" urgent title="Only one half was saved">
            What {label} may do is as chosen above; its sites are as they were.
          </Notice>
        )}
        <FormEnd action="Save rights" busy={busy} problem={problem} onCancel={onDone} />
      </form>
    </FormProvider>
  );
}
