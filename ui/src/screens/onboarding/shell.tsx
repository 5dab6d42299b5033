import { Check } from "lucide-react";
import { useEffect, useRef, type ReactNode } from "react";

import { ConnectionBanner } from "@/app/connection";
import { cn } from "@/lib/cn";
import mark from "@/mark.svg";

import { STEPS, type Step } from "./steps";

const LABELS: Record<Step, string> = { domain: "Domain", dns: "DNS", "set-up": "Set-up", done: "Done" };

/** What stands around every step: which one it is, and whether the server answers. */
export function Shell({ step, children }: { step: Step; children: ReactNode }) {
  return (
    <>
      <header className="border-b border-line bg-surface">
        <div className="mx-auto flex max-w-3xl flex-wrap items-center justify-between gap-x-4 gap-y-3 px-4 py-3 sm:px-6">
          <div className="flex items-center gap-3">
            <img src={mark} alt="" width={28} height={28} />
            <p className="font-semibold tracking-tight">Portlama</p>
          </div>
          <Steps at={step} />
        </div>
      </header>
      <main>
        <ConnectionBanner />
        <div className="mx-auto flex max-w-3xl flex-col gap-5 p-4 sm:p-6">{children}</div>
      </main>
    </>
  );
}

function Steps({ at }: { at: Step }) {
  const reached = STEPS.indexOf(at);
  return (
    <ol aria-label="Steps of the set-up" className="flex flex-wrap gap-x-3 gap-y-1 text-sm sm:gap-x-4">
      {STEPS.map((step, index) => (
        <li
          key={step}
          aria-current={step === at ? "step" : undefined}
          className={cn("flex items-center gap-1.5", step === at ? "font-medium text-ink" : "text-soft")}
        >
          <span
            aria-hidden
            className={cn(
              "grid size-5 place-items-center rounded-full text-xs",
              step === at ? "bg-accent text-accent-ink" : index < reached ? "bg-good-tint text-good" : "bg-sunken",
            )}
          >
            {index < reached ? <Check className="size-3" /> : index + 1}
          </span>
          {/* A phone has room for the name of one step; the others are still read out. */}
          <span className={cn(step !== at && "max-sm:sr-only")}>{LABELS[step]}</span>
          {index < reached && <span className="sr-only">: done</span>}
        </li>
      ))}
    </ol>
  );
}

/** The head of a step. It takes the focus, so that whoever reads by ear hears that the page is another. */
export function StepTitle({ title, children }: { title: string; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Portlama`;
    heading.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [title]);
  return (
    <header>
      <h1 ref={heading} tabIndex={-1} className="text-xl font-semibold tracking-tight outline-none sm:text-2xl">
        {title}
      </h1>
      <div className="mt-1 max-w-prose text-soft">{children}</div>
    </header>
  );
}
