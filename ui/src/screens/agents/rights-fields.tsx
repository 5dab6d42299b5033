import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { useFormContext, useWatch, type UseFormRegister } from "react-hook-form";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { Capability } from "@/api/schema";
import { CheckboxField, FieldError } from "@/components/field";

import { CAPABILITIES } from "./rules";

/** The fields of a form that says what an agent may do. */
export interface Rights {
  capabilities: Capability[];
  allowedSites: string[];
}

/**
 * What an agent may do, in plain words, and with which sites. Stands inside a form of `Rights`.
 *
 * @param had sites that it has already; they may be gone from the server
 */
export function RightsFields({ had = [] }: { had?: string[] }) {
  const { control, register, formState } = useFormContext<Rights>();
  const { errors } = formState;
  const id = useId();
  const chosen = useWatch({ control, name: "capabilities" });
  return (
    <>
      {CAPABILITIES.map(({ name, label, hint }) => (
        <CheckboxField key={name} label={label} hint={hint} value={name} {...register("capabilities")} />
      ))}
      <FieldError id={`${id}-capabilities`} error={errors.capabilities?.message} />
      {chosen.some((name) => name.startsWith("sites:")) && (
        <fieldset className="flex flex-col gap-2">
          <legend className="mb-2 text-sm font-medium">Its sites</legend>
          <SiteChoice had={had} field={register("allowedSites")} />
          <FieldError id={`${id}-sites`} error={errors.allowedSites?.message} />
        </fieldset>
      )}
    </>
  );
}

function SiteChoice({ had, field }: { had: string[]; field: ReturnType<UseFormRegister<Rights>> }) {
  const api = useApi();
  const sites = useQuery(queries.sites(api)).data?.sites;
  const gone = had.filter((name) => sites?.every((site) => site.name !== name));
  if (!sites) return <p className="text-sm text-soft">Loading the sites…</p>;
  return (
    <>
      {sites.length + gone.length === 0 && <p className="text-sm text-soft">There are no sites yet.</p>}
      {sites.map(({ id, name, fqdn }) => (
        <CheckboxField key={id} label={fqdn} value={name} {...field} />
      ))}
      {gone.map((name) => (
        <CheckboxField key={name} label={name} hint="There is no site of this name now." value={name} {...field} />
      ))}
    </>
  );
}
