import { CircleAlert, CircleCheck, X } from "lucide-react";
import { Toast as Radix } from "radix-ui";
import { useCallback, useMemo, useState, type ReactNode } from "react";

import { sentence } from "@/api/error";

import { Button } from "./button";
import { ToastContext, type Toast } from "./toast-context";

const SHOWN_MS = 4000;
/** What can be taken back stays long enough to be read and reached. */
const UNDO_MS = 8000;

interface Shown extends Toast {
  id: number;
}

/** Short news at the edge of the window, read out as well. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Shown[]>([]);
  const show = useCallback((toast: Toast) => {
    setToasts((before) => [...before.slice(-2), { ...toast, id: (before.at(-1)?.id ?? 0) + 1 }]);
  }, []);
  const close = (id: number) => setToasts((before) => before.filter((toast) => toast.id !== id));
  const value = useMemo(
    () => ({
      show,
      done: (text: string) => show({ text }),
      failed: (error: unknown) => show({ text: sentence(error), bad: true }),
    }),
    [show],
  );
  return (
    <ToastContext value={value}>
      <Radix.Provider label="News" swipeDirection="right">
        {children}
        {toasts.map((toast) => (
          <Radix.Root
            key={toast.id}
            duration={toast.bad ? Number.POSITIVE_INFINITY : toast.undo ? UNDO_MS : SHOWN_MS}
            onOpenChange={(open) => !open && close(toast.id)}
            className="flex items-start gap-2.5 rounded-xl border border-line bg-surface py-2 pr-1.5 pl-3.5 shadow-raised"
          >
            {toast.bad ? (
              <CircleAlert aria-hidden className="mt-2 size-4 shrink-0 text-bad" />
            ) : (
              <CircleCheck aria-hidden className="mt-2 size-4 shrink-0 text-good" />
            )}
            <Radix.Description className="min-w-0 flex-1 py-1.5 text-sm wrap-anywhere">{toast.text}</Radix.Description>
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
        <Radix.Viewport className="fixed inset-x-0 top-0 z-60 flex sm:top-auto sm:bottom-0 sm:left-auto sm:w-full sm:max-w-sm flex-col gap-2 p-4 outline-none" />
      </Radix.Provider>
    </ToastContext>
  );
}
