import { useQueryClient } from "@tanstack/react-query";
import { Download, FileUp } from "lucide-react";
import { useState, type ChangeEvent } from "react";
import { useForm } from "react-hook-form";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { CertificateSigned } from "@/api/schema";
import { Button } from "@/components/button";
import { Dialog } from "@/components/dialog";
import { TextAreaField } from "@/components/field";
import { FormEnd } from "@/components/form-end";
import { Notice } from "@/components/notice";
import { useToast } from "@/components/toast-context";
import { moment } from "@/lib/format";
import { useSubmit } from "@/lib/use-submit";
import { usePlatform } from "@/platform/context";

import { LockedOut } from "./locked-out";
import { CSR_REFUSALS, csrProblem } from "./rules";
import { ShownOnce } from "./shown-once";

/** Gets the admin a certificate for a key that never leaves their hardware. */
export function HardwareDialog({ onClose }: { onClose: () => void }) {
  const [made, setMade] = useState<CertificateSigned | null>(null);
  if (made) return <Signed made={made} onClose={onClose} />;
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title="Move your key to hardware"
      lead="Make a key inside your security key, TPM or keychain, and a certificate request for it. The server signs the request and never sees the key."
    >
      <RequestForm onMade={setMade} onCancel={onClose} />
    </Dialog>
  );
}

function RequestForm({ onMade, onCancel }: { onMade: (made: CertificateSigned) => void; onCancel: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const form = useForm({ defaultValues: { csr: "" } });
  const { submit, problem, busy } = useSubmit(form, async ({ csr }) => {
    onMade(await api.post("/api/certs/admin/upgrade-to-hardware-bound", { body: { csr } }));
    // The page's own certificate is dead, so the server can't be asked.
    cache.setQueryData(queries.adminAuth(api).queryKey, { adminAuthMode: "hardware-bound" });
  }, CSR_REFUSALS);
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-4">
      <Notice tone="warn" title="What this changes">
        <ul className="list-disc space-y-1 pl-4">
          <li>Every other admin certificate ends at once, also the one this browser uses: this page can ask nothing more.</li>
          <li>The P12 file is deleted. There is no download and no rotation any more.</li>
          <li>
            The way back is <code className="font-mono">portlama server reset-admin</code> on the server.
          </li>
        </ul>
      </Notice>
      <TextAreaField
        label="Certificate request (CSR, PEM)"
        hint="Only its public key counts, and that must be new; the names in it do not matter."
        rows={6}
        spellCheck={false}
        placeholder="-----BEGIN CERTIFICATE REQUEST-----"
        className="font-mono text-xs"
        error={form.formState.errors.csr?.message}
        {...form.register("csr", { validate: csrProblem })}
      />
      <FileChoice onText={(text) => form.setValue("csr", text, { shouldValidate: true })} />
      <FormEnd action="Move key to hardware" danger busy={busy} problem={problem} onCancel={onCancel} />
    </form>
  );
}

function FileChoice({ onText }: { onText: (text: string) => void }) {
  const toast = useToast();
  const choose = ({ target }: ChangeEvent<HTMLInputElement>) => {
    target.files?.[0]?.text().then(onText, toast.failed);
    // So that the same file can be chosen again after it was mended.
    target.value = "";
  };
  return (
    <label className="flex h-9 cursor-pointer items-center gap-2 self-start rounded-lg border border-line px-3.5 font-medium hover:bg-sunken has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent pointer-coarse:h-11">
      <FileUp aria-hidden className="size-4" /> Choose the request’s file
      <input type="file" accept=".csr,.pem,.req,.txt" className="sr-only" onChange={choose} />
    </label>
  );
}

function Signed({ made, onClose }: { made: CertificateSigned; onClose: () => void }) {
  const platform = usePlatform();
  const toast = useToast();
  const [saved, setSaved] = useState(false);
  const save = () => platform.saveText("admin.crt", made.cert).then(() => setSaved(true), toast.failed);
  return (
    <ShownOnce
      title="Your new certificate"
      lead="The server keeps no copy for you. Save it before you close this."
      saved={saved}
      loss={<LockedOut />}
      onClose={onClose}
    >
      <ol className="flex list-decimal flex-col gap-4 pl-5 text-sm marker:text-soft">
        <li className="space-y-1.5">
          <p>
            Save the certificate. It ends {moment(made.expiresAt)}; its serial is{" "}
            <code className="font-mono wrap-anywhere">{made.serial}</code>.
          </p>
          <div className="flex flex-wrap gap-2">
            <Button variant={saved ? "secondary" : "primary"} onClick={() => void save()}>
              <Download aria-hidden /> Save certificate
            </Button>
            <Button onClick={() => platform.saveText("portlama-ca.crt", made.caCert).catch(toast.failed)}>
              <Download aria-hidden /> Save the authority’s
            </Button>
          </div>
        </li>
        <li>Put it beside its key, with the program that made the request.</li>
        <li>Close all windows of the browser, open the panel again, and choose this certificate.</li>
      </ol>
    </ShownOnce>
  );
}
