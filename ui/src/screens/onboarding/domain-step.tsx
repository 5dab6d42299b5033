import { useQueryClient } from "@tanstack/react-query";
import { useForm, useWatch } from "react-hook-form";

import { useApi } from "@/api/context";
import type { OnboardingState } from "@/api/schema";
import { Card, CardBody } from "@/components/card";
import { TextField } from "@/components/field";
import { FormEnd } from "@/components/form-end";
import { useSubmit } from "@/lib/use-submit";

import { StepTitle } from "./shell";
import { DOMAIN_REFUSALS } from "./steps";

export interface DomainChoice {
  domain: string;
  email: string;
}

interface DomainStepProps {
  server: OnboardingState;
  /** What was typed here before. */
  before: DomainChoice;
  onChosen: (chosen: DomainChoice) => void;
}

export function DomainStep({ server, before, onChosen }: DomainStepProps) {
  const api = useApi();
  const cache = useQueryClient();
  const form = useForm({ defaultValues: { ...before, domain: before.domain || (server.domain ?? "") } });
  const { errors } = form.formState;
  const domain = useWatch({ control: form.control, name: "domain" });
  const { submit, problem, busy } = useSubmit(form, async ({ domain, email }) => {
    const kept = await api.post("/api/onboarding/domain", { body: { domain: domain.trim(), email: email.trim() } });
    await cache.invalidateQueries({ queryKey: ["onboarding"] });
    onChosen({ domain: kept.domain, email: kept.email });
  }, DOMAIN_REFUSALS);
  return (
    <>
      <StepTitle title="Choose a domain">
        <p>
          Everything behind this server gets a name below it. You need a domain whose DNS records you can change; one part of
          it, such as <code className="font-mono text-sm">lab.example.com</code>, is enough.
        </p>
      </StepTitle>
      <Card>
        <CardBody className="pt-4 sm:pt-5">
          <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-4">
            <TextField
              label="Domain"
              placeholder="example.com"
              inputMode="url"
              autoCapitalize="none"
              spellCheck={false}
              hint={<Names domain={domain.trim()} />}
              error={errors.domain?.message}
              {...form.register("domain", { required: "Enter your domain." })}
            />
            <TextField
              label="E-mail"
              type="email"
              autoComplete="email"
              hint="For the authority that issues the certificates: it may write when something is wrong with them. Nobody else gets it."
              error={errors.email?.message}
              {...form.register("email", { required: "Enter an address." })}
            />
            <FormEnd action="Use this domain" busy={busy} problem={problem} />
          </form>
        </CardBody>
      </Card>
    </>
  );
}

function Names({ domain }: { domain: string }) {
  const shown = /^[^\s/:]+\.[^\s/:]+$/.test(domain) ? domain : "example.com";
  return (
    <span className="wrap-anywhere">
      The panel becomes panel.{shown}, people sign in at auth.{shown}, and an app may be photos.{shown}.
    </span>
  );
}
