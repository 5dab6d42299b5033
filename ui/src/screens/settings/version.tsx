import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { Button } from "@/components/button";
import { Dialog } from "@/components/dialog";
import { TextField } from "@/components/field";
import { FormEnd } from "@/components/form-end";
import { Notice } from "@/components/notice";
import { QueryView, Skeleton } from "@/components/page-state";
import { useToast } from "@/components/toast-context";
import { useSubmit } from "@/lib/use-submit";

/** Which version serves, how the last change of it ended, and the way to the next. */
export function Version() {
  const api = useApi();
  const [open, setOpen] = useState(false);
  return (
    <QueryView query={useQuery(queries.version(api))} loading={<Skeleton className="h-10" />}>
      {({ version, canFetch, last }) => (
        <div className="flex flex-col items-start gap-3">
          <p>{version}</p>
          {last && !last.upgraded && (
            <Notice tone="bad" title={last.to ? `Version ${last.to} does not serve here` : "The last update did not happen"}>
              {last.reason}
            </Notice>
          )}
          {canFetch ? (
            <Button onClick={() => setOpen(true)}>Update…</Button>
          ) : (
            <p className="text-soft">
              A newer one comes by <code className="font-mono text-xs">portlama server upgrade</code> on the server, or by apt where a package
              brought it.
            </p>
          )}
          {open && <Update onClose={() => setOpen(false)} />}
        </div>
      )}
    </QueryView>
  );
}

const VERSION = /^\d{1,9}\.\d{1,9}\.\d{1,9}$/;

function Update({ onClose }: { onClose: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  const form = useForm({ defaultValues: { version: "" } });
  const { submit, problem, busy } = useSubmit(form, async ({ version }) => {
    const { message } = await api.post("/api/system/update", { body: { version: version.trim() } });
    await cache.invalidateQueries({ queryKey: ["version"] });
    toast.done(message);
    onClose();
  });
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title="Update this server"
      lead="The release is fetched and its signature verified. Visitors wait for some seconds while it takes this one’s place; if it does not serve, this one comes back with its state by itself."
    >
      <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-4">
        <TextField
          label="Version"
          hint="Three numbers, such as 1.2.3."
          autoFocus
          className="max-w-40 font-mono"
          error={form.formState.errors.version?.message}
          {...form.register("version", {
            validate: (text) => VERSION.test(text.trim()) || "Enter three numbers with dots between them.",
          })}
        />
        <FormEnd
          action="Update"
          busy={busy}
          problem={problem}
          waiting="Fetching the release, which takes a minute on a slow line …"
          onCancel={onClose}
        />
      </form>
    </Dialog>
  );
}
