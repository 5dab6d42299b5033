import { X } from "lucide-react";
import { AlertDialog as RadixAlert, Dialog as Radix } from "radix-ui";
import { useState, type ReactNode } from "react";

import { sentence } from "@/api/error";
import { cn } from "@/lib/cn";

import { Button } from "./button";
import { Notice } from "./notice";
import { useReturnFocus } from "./return-focus";
import { Words } from "./words";

// As high as the window itself: of two open ones, the later covers all of the first.
const BACKDROP = "fixed inset-0 z-50 bg-black/50";
const PANEL =
  "fixed z-50 flex max-h-[min(92dvh,52rem)] flex-col overflow-hidden bg-surface shadow-raised outline-none " +
  // A sheet from below on a phone, a window in the middle elsewhere.
  "inset-x-0 bottom-0 rounded-t-2xl sm:inset-auto sm:top-1/2 sm:left-1/2 sm:w-[calc(100vw-2rem)] sm:max-w-lg sm:-translate-x-1/2 sm:-translate-y-1/2 sm:rounded-2xl";

interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: ReactNode;
  lead?: ReactNode;
  /** More room, for lists. */
  wide?: boolean;
  /** Shown once and not again: a click beside it or Escape must not lose it. */
  holdsSecret?: boolean;
  children: ReactNode;
}

/** A window over the page. Its content is mounted when it opens, so forms begin afresh. */
export function Dialog({ open, onOpenChange, ...content }: DialogProps) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      {open && <Content {...content} />}
    </Radix.Root>
  );
}

function Content({ title, lead, wide, holdsSecret, children }: Omit<DialogProps, "open" | "onOpenChange">) {
  const keep = holdsSecret ? (event: Event) => event.preventDefault() : undefined;
  const focus = useReturnFocus();
  return (
    <Radix.Portal>
      <Radix.Overlay className={BACKDROP} />
      <Radix.Content
        {...focus}
        className={cn(PANEL, wide && "sm:max-w-3xl")}
        {...(lead ? {} : { "aria-describedby": undefined })}
        onInteractOutside={keep}
        onEscapeKeyDown={keep}
      >
        <header className="flex items-start justify-between gap-4 px-5 pt-5 pb-3">
          <div className="min-w-0">
            <Radix.Title className="text-lg font-semibold wrap-anywhere">{title}</Radix.Title>
            {lead && <Radix.Description className="mt-1 text-sm text-soft">{lead}</Radix.Description>}
          </div>
          <Radix.Close asChild>
            <Button variant="ghost" size="icon" aria-label="Close" className="-mt-1.5 -mr-2">
              <X aria-hidden />
            </Button>
          </Radix.Close>
        </header>
        <div className="flex min-h-0 flex-col gap-4 overflow-y-auto px-5 pb-5">{children}</div>
      </Radix.Content>
    </Radix.Portal>
  );
}

/** The last row of a dialog: the way out first, what it is for last. */
export function DialogActions({ children }: { children: ReactNode }) {
  return <div className="mt-1 flex flex-wrap justify-end gap-2">{children}</div>;
}

interface ConfirmProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: ReactNode;
  /** What will be gone, and for whom. */
  children: ReactNode;
  /** The deed, as a verb with its object: `Delete tunnel`. */
  action: string;
  danger?: boolean;
  /** The dialog closes when it resolves, and shows the reason when it fails. */
  onConfirm: () => Promise<unknown>;
}

/** Asks before something that can't be taken back. */
export function Confirm({ open, onOpenChange, ...question }: ConfirmProps) {
  const [busy, setBusy] = useState(false);
  return (
    <RadixAlert.Root open={open} onOpenChange={(to) => !busy && onOpenChange(to)}>
      {open && <Question {...question} busy={busy} setBusy={setBusy} onDone={() => onOpenChange(false)} />}
    </RadixAlert.Root>
  );
}

interface QuestionProps extends Omit<ConfirmProps, "open" | "onOpenChange"> {
  busy: boolean;
  setBusy: (busy: boolean) => void;
  onDone: () => void;
}

function Question({ title, children, action, danger = true, onConfirm, busy, setBusy, onDone }: QuestionProps) {
  const [error, setError] = useState<unknown>(null);
  const confirm = async () => {
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      onDone();
    } catch (reason) {
      setError(reason);
    } finally {
      setBusy(false);
    }
  };
  const focus = useReturnFocus();
  return (
    <RadixAlert.Portal>
      <RadixAlert.Overlay className={BACKDROP} />
      <RadixAlert.Content {...focus} className={cn(PANEL, "gap-4 p-5 sm:max-w-md")}>
        <RadixAlert.Title className="text-lg font-semibold wrap-anywhere">{title}</RadixAlert.Title>
        <RadixAlert.Description asChild>
          <div className="space-y-2 text-sm text-soft">{children}</div>
        </RadixAlert.Description>
        {error !== null && (
          <Notice tone="bad" urgent>
            <Words>{sentence(error)}</Words>
          </Notice>
        )}
        <DialogActions>
          <RadixAlert.Cancel asChild>
            <Button disabled={busy}>Cancel</Button>
          </RadixAlert.Cancel>
          <Button variant={danger ? "danger" : "primary"} busy={busy} onClick={() => void confirm()}>
            {action}
          </Button>
        </DialogActions>
      </RadixAlert.Content>
    </RadixAlert.Portal>
  );
}
