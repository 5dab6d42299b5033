import { useWatch, type UseFormReturn } from "react-hook-form";

import type { Agent } from "@/api/schema";
import { CheckboxField, SelectField } from "@/components/field";
import { Notice } from "@/components/notice";
import { cn } from "@/lib/cn";

import type { Values } from "./values";

type Form = UseFormReturn<Values>;

/** Who may visit: said in full, because it is what matters most. */
export function AccessField({ form }: { form: Form }) {
  const chosen = useWatch({ control: form.control, name: "accessMode" });
  const field = form.register("accessMode");
  const error = form.formState.errors.accessMode?.message;
  const radio = (value: Values["accessMode"]) => (
    <input type="radio" value={value} className="mt-1 size-4 shrink-0 accent-accent" {...field} />
  );
  const card = "flex items-start gap-2.5 rounded-lg border p-3 text-sm";
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-1.5 text-sm font-medium">Who may visit</legend>
      <label className={cn(card, chosen === "authenticated" ? "border-accent bg-accent-tint" : "border-line")}>
        {radio("authenticated")}
        <span>
          <span className="font-medium">Signed-in users</span>
          <span className="block text-soft">They sign in with a password and a one-time code first. The app is told who they are.</span>
        </span>
      </label>
      <label className={cn(card, chosen === "public" ? "border-bad bg-bad-tint" : "border-line")}>
        {radio("public")}
        <span>
          <span className="font-medium text-bad">Everybody on the internet</span>
          <span className="block text-soft">
            Nobody signs in. Only the app itself stands between strangers and what it holds.
          </span>
        </span>
      </label>
      {chosen === "restricted" && (
        <Notice tone="warn">
          This tunnel is <strong>restricted</strong>: it came from another installation and lets nobody in. Choose who
          may visit.
        </Notice>
      )}
      {error && (
        <p role="alert" className="text-sm text-bad">
          {error}
        </p>
      )}
    </fieldset>
  );
}

interface AgentFieldProps {
  form: Form;
  agents: Agent[];
  /** The agent it had; it may not be enrolled any more. */
  before?: string;
}

/** Which agent serves it: asked only where there is a choice. */
export function AgentField({ form, agents, before = "" }: AgentFieldProps) {
  const lost = before !== "" && agents.every(({ label }) => label !== before);
  const required = before !== "" || agents.length > 1;
  return (
    <SelectField
      label="Agent"
      hint="The machine that reaches the app."
      error={form.formState.errors.agentLabel?.message}
      {...form.register("agentLabel", { required: required && "Choose the agent.", deps: "port" })}
    >
      {before === "" && <option value="">{agents.length > 1 ? "Choose…" : "The first that enrols"}</option>}
      {lost && <option value={before}>{before} (not enrolled any more)</option>}
      {agents.map(({ label, connected }) => (
        <option key={label} value={label}>
          {connected ? label : `${label} (not connected)`}
        </option>
      ))}
    </SelectField>
  );
}

/** What few apps need. */
export function AdvancedFields({ form, isApp, open }: { form: Form; isApp: boolean; open?: boolean }) {
  const [scheme, access] = useWatch({ control: form.control, name: ["originScheme", "accessMode"] });
  const { errors } = form.formState;
  return (
    <details open={open}>
      <summary className="text-sm font-medium">Advanced</summary>
      <div className="flex flex-col gap-4 pt-3">
        <SelectField
          label="The app speaks"
          hint="Visitors always come by HTTPS. This is about the way from the agent to the app."
          error={errors.originScheme?.message}
          {...form.register("originScheme")}
        >
          <option value="http">HTTP</option>
          <option value="https">HTTPS</option>
        </SelectField>
        {scheme === "https" && (
          <CheckboxField
            label="Check the app’s certificate"
            hint="Leave it out only for a certificate that the app made itself."
            error={errors.originTlsVerify?.message}
            {...form.register("originTlsVerify")}
          />
        )}
        <SelectField
          label="Host name that the app sees"
          hint="Some apps answer to localhost only."
          error={errors.hostHeader?.message}
          {...form.register("hostHeader")}
        >
          <option value="public">The public one, as visitors typed it</option>
          <option value="local">localhost and its port</option>
        </SelectField>
        {isApp && access !== "public" && (
          <CheckboxField
            label="Let other websites send forms to it"
            hint="Otherwise a foreign page can’t make a signed-in visitor’s browser change things there. Needed when another site of yours posts to this app."
            error={errors.allowCrossSite?.message}
            {...form.register("allowCrossSite")}
          />
        )}
      </div>
    </details>
  );
}
