import { Check, Copy, Eye, EyeOff } from "lucide-react";
import { useEffect, useState } from "react";

import { cn } from "@/lib/cn";
import { usePlatform } from "@/platform/context";

import { Button } from "./button";

/** How long the tick stands after a copy. */
const COPIED_MS = 2000;

interface CopyButtonProps {
  text: string;
  label: string;
  className?: string;
  onCopied?: (() => void) | undefined;
}

/** Puts `text` on the clipboard. `label` names the thing: `Copy link`. */
export function CopyButton({ text, label, className, onCopied }: CopyButtonProps) {
  const platform = usePlatform();
  const [outcome, setOutcome] = useState<"copied" | "failed" | null>(null);
  useEffect(() => {
    if (!outcome) return;
    const timer = setTimeout(() => setOutcome(null), COPIED_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = () => {
    platform.copyText(text).then(
      () => {
        setOutcome("copied");
        onCopied?.();
      },
      () => setOutcome("failed"),
    );
  };
  return (
    <Button variant="ghost" size="sm" aria-label={label} title={label} className={className} onClick={copy}>
      {outcome === "copied" ? <Check aria-hidden className="text-good" /> : <Copy aria-hidden />}
      <span role="status" className="sr-only">
        {outcome === "copied" && "Copied"}
        {outcome === "failed" && "Could not be copied"}
      </span>
    </Button>
  );
}

/** A line to be taken elsewhere: a command, a link, a record. */
export function CopyLine({ text, label, className }: { text: string; label: string; className?: string }) {
  return (
    <div className={cn("flex items-center gap-1 rounded-lg border border-line bg-sunken py-1 pr-1 pl-3", className)}>
      <code className="min-w-0 flex-1 font-mono text-sm wrap-anywhere">{text}</code>
      <CopyButton text={text} label={label} />
    </div>
  );
}

/**
 * A secret: hidden until asked for, and copied without being shown.
 *
 * @param onTaken it was shown or copied
 */
export function SecretLine({ secret, name, onTaken }: { secret: string; name: string; onTaken?: () => void }) {
  const [shown, setShown] = useState(false);
  return (
    <div className="flex items-center gap-1 rounded-lg border border-line bg-sunken py-1 pr-1 pl-3">
      <code className="min-w-0 flex-1 font-mono text-sm wrap-anywhere" data-secret={name}>
        {shown ? secret : "•".repeat(12)}
      </code>
      <Button
        variant="ghost"
        size="sm"
        aria-label={shown ? `Hide ${name}` : `Show ${name}`}
        onClick={() => {
          setShown(!shown);
          onTaken?.();
        }}
      >
        {shown ? <EyeOff aria-hidden /> : <Eye aria-hidden />}
      </Button>
      <CopyButton text={secret} label={`Copy ${name}`} onCopied={onTaken} />
    </div>
  );
}
