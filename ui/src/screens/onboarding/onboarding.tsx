import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";

import { DnsStep } from "./dns-step";
import { DomainStep, type DomainChoice } from "./domain-step";
import { DoneStep } from "./done-step";
import { SetUpStep } from "./set-up-step";
import { Shell } from "./shell";
import { mayChangeDomain, stepOf } from "./steps";

/**
 * The first set-up. Where it stands is the server's knowledge, so a reload, another window and
 * another browser all come to the same page.
 *
 * @param onDone the admin has read the last page and goes on to the panel
 */
export default function Onboarding({ onDone }: { onDone: () => void }) {
  const api = useApi();
  const { data: server } = useQuery(queries.onboarding(api));
  const [choice, setChoice] = useState<DomainChoice>({ domain: "", email: "" });
  const [isBack, setIsBack] = useState(false);
  if (!server) return null;
  const step = isBack && mayChangeDomain(server) ? "domain" : stepOf(server);
  return (
    <Shell step={step}>
      {step === "domain" && (
        <DomainStep
          server={server}
          before={choice}
          onChosen={(chosen) => {
            setChoice(chosen);
            setIsBack(false);
          }}
        />
      )}
      {step === "dns" && <DnsStep server={server} onBack={() => setIsBack(true)} />}
      {step === "set-up" && <SetUpStep server={server} />}
      {step === "done" && <DoneStep server={server} onDone={onDone} />}
    </Shell>
  );
}
