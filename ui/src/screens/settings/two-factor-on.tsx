import { useState } from "react";
import { useForm } from "react-hook-form";

import { useApi } from "@/api/context";
import type { TwoFactorSetup } from "@/api/schema";
import { SecretLine } from "@/components/copy";
import { Dialog } from "@/components/dialog";
import { FormEnd } from "@/components/form-end";
import { Notice } from "@/components/notice";
import { QrCode } from "@/components/qr-code";
import { useSubmit } from "@/lib/use-submit";

import { CodeForm } from "./code-form";

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
      <FormEnd action="Show QR code" busy={busy} problem={problem} onCancel={onCancel} />
    </form>
  );
}

function Confirmation({ seed, onClose }: { seed: TwoFactorSetup; onClose: () => void }) {
  return (
    <CodeForm
      route="/api/settings/2fa/confirm"
      action="Turn on codes"
      done="The panel asks for one-time codes from now on. This browser is signed in."
      onClose={onClose}
    >
      <div className="flex justify-center">
        <QrCode text={seed.uri} label="QR code of the one-time codes of this panel" />
      </div>
      <div>
        <p className="mb-1 text-sm font-medium">Key, for apps without a camera and for your safe</p>
        <SecretLine secret={seed.manualKey} name="key" />
      </div>
    </CodeForm>
  );
}
