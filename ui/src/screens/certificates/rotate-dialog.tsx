import { useQueryClient } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useState } from "react";
import { useForm } from "react-hook-form";

import { useApi } from "@/api/context";
import type { AdminRotated } from "@/api/schema";
import { Button } from "@/components/button";
import { SecretLine } from "@/components/copy";
import { Dialog } from "@/components/dialog";
import { FormEnd } from "@/components/form-end";
import { Notice } from "@/components/notice";
import { useToast } from "@/components/toast-context";
import { Words } from "@/components/words";
import { moment } from "@/lib/format";
import { useSubmit } from "@/lib/use-submit";
import { usePlatform } from "@/platform/context";

import { LockedOut } from "./locked-out";
import { octets } from "./rules";
import { ShownOnce } from "./shown-once";

interface Made extends AdminRotated {
  oldIsDead: boolean;
}

/** Makes a new admin certificate: asks what becomes of the old one, then shows the new one once. */
export function RotateDialog({ onClose }: { onClose: () => void }) {
  const [made, setMade] = useState<Made | null>(null);
  if (made) return <NewCertificate made={made} onClose={onClose} />;
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title="Rotate your admin certificate"
      lead="You get a new key and certificate in a P12 file, with a new password. Import it into every browser you manage this server with."
    >
      <RotateForm onMade={setMade} onCancel={onClose} />
    </Dialog>
  );
}

const ENDINGS = [
  {
    value: "later",
    label: "Five minutes after the new one is first used",
    hint: "You can’t lock yourself out: the old one works until the new one does.",
  },
  {
    value: "now",
    label: "At once",
    hint: "For an old one in wrong hands. This page can ask the server nothing more until the new one is imported; every other browser is out, too.",
  },
];

function RotateForm({ onMade, onCancel }: { onMade: (made: Made) => void; onCancel: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const form = useForm({ defaultValues: { ending: "later" } });
  const { submit, problem, busy } = useSubmit(form, async ({ ending }) => {
    const revokeNow = ending === "now";
    const rotated = await api.post("/api/certs/mtls/rotate", { body: { revokeNow } });
    onMade({ ...rotated, oldIsDead: revokeNow });
    // With a dead certificate, nothing could be asked.
    if (!revokeNow) void cache.invalidateQueries({ queryKey: ["certificates"] });
  });
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-4">
      <fieldset className="flex flex-col gap-3">
        <legend className="mb-2 text-sm font-medium">When does the old one end?</legend>
        {ENDINGS.map(({ value, label, hint }) => (
          <label key={value} className="flex items-start gap-2.5 text-sm">
            <input type="radio" value={value} className="mt-0.5 size-4.5 shrink-0 accent-accent" {...form.register("ending")} />
            <span>
              <span className="font-medium">{label}</span>
              <span className="block text-soft">{hint}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <FormEnd action="Make new certificate" busy={busy} problem={problem} onCancel={onCancel} />
    </form>
  );
}

function NewCertificate({ made, onClose }: { made: Made; onClose: () => void }) {
  const platform = usePlatform();
  const toast = useToast();
  const [saved, setSaved] = useState(false);
  // From the answer, not from its route: that is shut to a certificate which is dead.
  const save = () => platform.saveBytes("client.p12", octets(made.p12)).then(() => setSaved(true), toast.failed);
  return (
    <ShownOnce
      title="Your new certificate"
      lead="The password is shown only now. Take file and password before you close this."
      saved={saved}
      loss={made.oldIsDead ? <LockedOut /> : "The password is gone then, and the file is of no use. You can rotate again while the old certificate works."}
      onClose={onClose}
    >
      <Notice tone="warn">
        <Words>{made.warning}</Words>
      </Notice>
      <ol className="flex list-decimal flex-col gap-4 pl-5 text-sm marker:text-soft">
        <li className="space-y-1.5">
          <p>Save the file and keep its password:</p>
          <SecretLine secret={made.p12Password} name="password" />
          <Button variant={saved ? "secondary" : "primary"} onClick={() => void save()}>
            <Download aria-hidden /> Save P12 file
          </Button>
        </li>
        <li>Import it into the browser: in its settings, search for “certificates”, then “Import” under your own ones.</li>
        <li>
          Close all windows of the browser and open the panel again. When it asks, choose the certificate that ends{" "}
          {moment(made.expiresAt)}; its serial is <code className="font-mono wrap-anywhere">{made.serial}</code>.
        </li>
        <li>{made.oldIsDead ? "Remove the old one from the browser; it opens nothing any more." : "Five minutes later the old one is dead. Remove it from the browser."}</li>
      </ol>
    </ShownOnce>
  );
}
