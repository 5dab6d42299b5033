import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm, useWatch } from "react-hook-form";
import { useNavigate } from "react-router";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { Site } from "@/api/schema";
import { Button } from "@/components/button";
import { Card, CardBody, CardHeader } from "@/components/card";
import { Confirm } from "@/components/dialog";
import { CheckboxField } from "@/components/field";
import { Notice } from "@/components/notice";
import { useToast } from "@/components/toast-context";
import { bytes } from "@/lib/format";
import { usePublicAddress } from "@/lib/public-address";
import { useSubmit } from "@/lib/use-submit";

import { AllowedUsers } from "./allowed-users";
import { Choice, Choices } from "./choices";
import { useUploads } from "./use-uploads";

type Visitors = "everybody" | "signed-in" | "named";

export function SiteSettings({ site }: { site: Site }) {
  return (
    <div className="flex flex-col gap-5">
      <SettingsForm site={site} />
      <DeleteSite site={site} />
    </div>
  );
}

function visitorsOf(site: Site): Visitors {
  if (!site.autheliaProtected) return "everybody";
  return site.allowedUsers.length > 0 ? "named" : "signed-in";
}

function SettingsForm({ site }: { site: Site }) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  const form = useForm({
    defaultValues: { visitors: visitorsOf(site), allowedUsers: site.allowedUsers, spaMode: site.spaMode },
  });
  const { submit, problem, busy } = useSubmit(form, async ({ visitors, allowedUsers, spaMode }) => {
    // An empty list means everybody who is signed in.
    const named = visitors === "named" ? allowedUsers : [];
    const body = { spaMode, autheliaProtected: visitors !== "everybody", allowedUsers: named };
    await api.patch("/api/sites/{id}", { path: { id: site.id }, body });
    await cache.invalidateQueries({ queryKey: ["sites"] });
    form.reset({ visitors, allowedUsers: named, spaMode });
    toast.done("The settings hold at once.");
  });
  const { errors, isDirty } = form.formState;
  const isNamed = useWatch({ control: form.control, name: "visitors" }) === "named";
  return (
    <Card>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <CardHeader title="Visitors and addresses" lead="A change holds from the next request on; nobody is cut off but those who may not visit any more." />
        <CardBody className="flex max-w-2xl flex-col gap-4">
          <Choices label="Who may visit">
            <Choice label="Everybody" hint="The site is public." value="everybody" {...form.register("visitors")} />
            <Choice label="Everybody who signs in" hint="With password and one-time code." value="signed-in" {...form.register("visitors")} />
            <Choice label="Only these people" hint="Signed in, and on the list below." value="named" {...form.register("visitors")} />
          </Choices>
          {isNamed && (
            <AllowedUsers
              error={errors.allowedUsers?.message}
              register={form.register("allowedUsers", {
                validate: (users, { visitors }) => visitors !== "named" || users.length > 0 || "Choose somebody.",
              })}
              listed={site.allowedUsers}
            />
          )}
          <CheckboxField
            label="Single-page application"
            hint="Unknown addresses answer with index.html, as React, Vue or Angular apps need it. Leave it off for sites with a page per file."
            error={errors.spaMode?.message}
            {...form.register("spaMode")}
          />
          {problem && (
            <Notice tone="bad" urgent>
              {problem}
            </Notice>
          )}
          <div className="flex gap-2">
            <Button type="submit" variant="primary" busy={busy} disabled={!isDirty}>
              Save settings
            </Button>
            {isDirty && <Button onClick={() => form.reset()}>Discard changes</Button>}
          </div>
        </CardBody>
      </form>
    </Card>
  );
}

function DeleteSite({ site }: { site: Site }) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  const addressOf = usePublicAddress();
  const navigate = useNavigate();
  const [, uploads] = useUploads(site.id);
  const [asking, setAsking] = useState(false);
  const { data } = useQuery(queries.siteFiles(api, site.id, "."));
  const deletion = useMutation({
    mutationFn: () => api.delete("/api/sites/{id}", { path: { id: site.id } }),
    onSuccess: async () => {
      uploads.cancelAll();
      toast.done(`${site.name} was deleted.`);
      await navigate("/sites");
      cache.removeQueries({ queryKey: ["sites", site.id] });
      await cache.invalidateQueries({ queryKey: ["sites"] });
    },
  });
  return (
    <Card>
      <CardHeader
        title="Delete this site"
        lead="Its address stops answering and its files are gone."
        actions={
          <Button variant="danger" onClick={() => setAsking(true)}>
            Delete site
          </Button>
        }
      />
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title={`Delete ${site.name}?`}
        action="Delete site"
        onConfirm={deletion.mutateAsync}
      >
        {addressOf(site.fqdn)} stops answering at once
        {data && data.files.length > 0 ? `, and all its files (${bytes(site.totalSize)}) are deleted` : ""}. This can’t be
        undone.
      </Confirm>
    </Card>
  );
}
