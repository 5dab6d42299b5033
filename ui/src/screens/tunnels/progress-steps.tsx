import { Check, CircleDashed, LoaderCircle } from "lucide-react";
import type { ReactNode } from "react";

import { asSentence } from "@/api/error";
import type { Tunnel } from "@/api/schema";
import { Button } from "@/components/button";
import { CopyLine } from "@/components/copy";
import { Words } from "@/components/words";

import { steps, type Step, type StepState } from "./status";

const NAMES: Record<Step["name"], string> = {
  certificate: "The host name has its certificate",
  agent: "The agent is connected",
  allowed: "The port is allowed at home",
  app: "The app answers",
};

const ICONS: Record<StepState, { icon: typeof Check; className: string; word: string }> = {
  done: { icon: Check, className: "text-good", word: "done" },
  now: { icon: LoaderCircle, className: "text-warn", word: "waiting" },
  later: { icon: CircleDashed, className: "text-soft", word: "not reached" },
};

/** How far a tunnel has come, and what to do where it waits. It goes on by itself. */
export function ProgressSteps({ tunnel, onEnroll }: { tunnel: Tunnel; onEnroll: () => void }) {
  return (
    <ol aria-label="From the visitor to the app" className="flex flex-col gap-3">
      {steps(tunnel).map(({ name, state }) => {
        const { icon: Icon, className, word } = ICONS[state];
        return (
          <li key={name} aria-current={state === "now" ? "step" : undefined} className="flex gap-3 text-sm">
            <Icon aria-hidden className={`mt-0.5 size-4 shrink-0 ${className}`} />
            <div className="min-w-0 flex-1 space-y-2">
              <p className={state === "now" ? "font-medium" : "text-soft"}>
                {NAMES[name]}
                <span className="sr-only">: {word}</span>
              </p>
              {state === "now" && <WayOut tunnel={tunnel} onEnroll={onEnroll} />}
            </div>
          </li>
        );
      })}
    </ol>
  );
}

/** What to do about the step that is not done. */
function WayOut({ tunnel, onEnroll }: { tunnel: Tunnel; onEnroll: () => void }): ReactNode {
  const detail = tunnel.statusDetail && (
    <p className="text-soft">
      <Words>{asSentence(tunnel.statusDetail)}</Words>
    </p>
  );
  switch (tunnel.status) {
    case "certificate_pending":
      return (
        <>
          {detail}
          <p className="text-soft">The server tries again by itself. Certificates says when, and what the authority said.</p>
        </>
      );
    case "no_agent":
      return (
        <>
          {detail}
          <Button size="sm" onClick={onEnroll}>
            Enrol an agent
          </Button>
        </>
      );
    case "agent_offline":
      return (
        <>
          {detail}
          <p>On its machine, see why:</p>
          <CopyLine text="portlama agent status" label="Copy command" />
        </>
      );
    case "not_allowed_at_home":
      return (
        <>
          <p className="text-soft">
            The agent reaches only what you allow at home, so that nobody who takes this server over gets further. On
            its machine, run:
          </p>
          <CopyLine text={`portlama agent allow ${tunnel.port}`} label="Copy command" />
        </>
      );
    default:
      return (
        <>
          {detail}
          <p className="text-soft">Start the app, or see at home where the port leads:</p>
          <CopyLine text="portlama agent allowed" label="Copy command" />
        </>
      );
  }
}
