import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";

import { useApi } from "@/api/context";
import { sentence } from "@/api/error";
import type { TwoFactorSetup } from "@/api/schema";
import { Button } from "@/components/button";
import { SecretLine } from "@/components/copy";
import { Dialog, DialogActions } from "@/components/dialog";
import { Notice } from "@/components/notice";
import { QrCode } from "@/components/qr-code";
import { useToast } from "@/components/toast-context";
import { useSubmit } from "@/lib/use-submit";

import { codeProblem, plainCode } from "./code";
import { CodeField } from "./code-field";

/** Asks first what happens, then shows the seed once, then wants a code as proof that it was taken. */
export function TwoFactorOn({ onClose }: { onClose: () => void }) {
  const [seed, setSeed] = useState<TwoFactorSetup | null>(null);
  return (
    <Dialog
      open
      onOpenChange={onClose}
      holdsSecret={seed !== null}
      title="Turn on one-time codes"
      lead={
        seed
          ? "Scan this with your authenticator app, keep the key in a safe place, and type the code that the app shows. Codes are on only then."
          : "You need an authenticator app, such as the one you use for other accounts."
      }
    >
      {seed ? <Confirmation seed={seed} onClose={onClose} /> : <Begin onMade={setSeed} onCancel={onClose} />}
    </Dialog>
  );
}

function Begin({ onMade, onCancel }: { onMade: (seed: TwoFactorSetup) => void; onCancel: () => void }) {
  const api = useApi();
  const form = useForm();
  const { submit, problem, busy } = useSubmit(form, async () => onMade(await api.post("/api/settings/2fa/setup")));
  return (
    <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <Notice>
        From then on every browser and every program that uses the admin certificate is asked for a code, at every address of the
        panel. Have the way back ready: the key that comes next.
      </Notice>
      {problem && (
        <Notice tone="bad" urgent>
          {problem}
        </Notice>
      )}
      <DialogActions>
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" variant="primary" busy={busy}>
          Show QR code
        </Button>
      </DialogActions>
    </form>
  );
}

function Confirmation({ seed, onClose }: { seed: TwoFactorSetup; onClose: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  const form = useForm({ defaultValues: { code: "" } });
  const { submit, busy } = useSubmit(form, async ({ code }) => {
    try {
      await api.post("/api/settings/2fa/confirm", { body: { code: plainCode(code) } });
    } catch (error) {
      return form.setError("code", { message: sentence(error) }, { shouldFocus: true });
    }
    await cache.invalidateQueries({ queryKey: ["two-factor"] });
    toast.done("The panel asks for one-time codes from now on. This browser is signed in.");
    onClose();
  });
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-4">
      <div className="flex justify-center">
        <QrCode text={seed.uri} label="QR code of the one-time codes of this panel" />
      </div>
      <div>
        <p className="mb-1 text-sm font-medium">Key, for apps without a camera and for your safe</p>
        <SecretLine secret={seed.manualKey} name="key" />
      </div>
      <CodeField error={form.formState.errors.code?.message} {...form.register("code", { validate: codeProblem })} />
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={busy}>
          Turn on codes
        </Button>
      </DialogActions>
    </form>
  );
}
