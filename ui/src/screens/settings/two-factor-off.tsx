import { useQueryClient } from "@tanstack/react-query";
import { useForm } from "react-hook-form";

import { useApi } from "@/api/context";
import { sentence } from "@/api/error";
import { Button } from "@/components/button";
import { Dialog, DialogActions } from "@/components/dialog";
import { useToast } from "@/components/toast-context";
import { useSubmit } from "@/lib/use-submit";

import { codeProblem, plainCode } from "./code";
import { CodeField } from "./code-field";

export function TwoFactorOff({ onClose }: { onClose: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  const form = useForm({ defaultValues: { code: "" } });
  const { submit, busy } = useSubmit(form, async ({ code }) => {
    try {
      await api.post("/api/settings/2fa/disable", { body: { code: plainCode(code) } });
    } catch (error) {
      return form.setError("code", { message: sentence(error) }, { shouldFocus: true });
    }
    await cache.invalidateQueries({ queryKey: ["two-factor"] });
    toast.done("The panel asks for the certificate alone from now on.");
    onClose();
  });
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title="Turn off one-time codes?"
      lead="From then on the certificate alone opens this panel. The key in your authenticator app becomes useless; turning codes on again makes a new one."
    >
      <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-4">
        <CodeField error={form.formState.errors.code?.message} {...form.register("code", { validate: codeProblem })} />
        <DialogActions>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" variant="danger" busy={busy}>
            Turn off codes
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
