import { CircleAlert, CircleCheck, X } from "lucide-react";
import { Toast as Radix } from "radix-ui";

import { Button } from "./button";
import type { Toast } from "./toast-context";
import { Words } from "./words";

const SHOWN_MS = 4000;
/** What can be taken back stays long enough to be read and reached. */
const UNDO_MS = 8000;

export interface Shown extends Toast {
  id: number;
}

export interface ToastListProps {
  toasts: Shown[];
  onClose: (id: number) => void;
}

/** Above the sheets of a phone, whose buttons are below; in the corner elsewhere. */
export default function ToastList({ toasts, onClose }: ToastListProps) {
  return (
    <Radix.Provider label="News" swipeDirection="right">
      {toasts.map((toast) => (
        <Radix.Root
          key={toast.id}
          duration={toast.bad ? Number.POSITIVE_INFINITY : toast.undo ? UNDO_MS : SHOWN_MS}
          onOpenChange={(open) => !open && onClose(toast.id)}
          className="flex items-start gap-2.5 rounded-xl border border-line bg-surface py-2 pr-1.5 pl-3.5 shadow-raised"
        >
          {toast.bad ? (
            <CircleAlert aria-hidden className="mt-2 size-4 shrink-0 text-bad" />
          ) : (
            <CircleCheck aria-hidden className="mt-2 size-4 shrink-0 text-good" />
          )}
          <Radix.Description className="min-w-0 flex-1 py-1.5 text-sm wrap-anywhere"><Words>{toast.text}</Words></Radix.Description>
          {toast.undo && (
            <Radix.Action altText="Undo" asChild onClick={toast.undo}>
              <Button variant="link" size="sm">
                Undo
              </Button>
            </Radix.Action>
          )}
          <Radix.Close asChild>
            <Button variant="ghost" size="sm" aria-label="Dismiss">
              <X aria-hidden />
            </Button>
          </Radix.Close>
        </Radix.Root>
      ))}
      <Radix.Viewport className="fixed inset-x-0 top-0 z-60 flex flex-col gap-2 p-4 outline-none sm:top-auto sm:bottom-0 sm:left-auto sm:w-full sm:max-w-sm" />
    </Radix.Provider>
  );
}
