import { lazy, Suspense, useCallback, useMemo, useState, type ComponentType, type ReactNode } from "react";

import { sentence } from "@/api/error";
import { useLater } from "@/lib/use-later";

import { ToastContext, type Toast } from "./toast-context";
import type { Shown, ToastListProps } from "./toast-list";

const load = () => import("./toast-list");
const Nothing: ComponentType<ToastListProps> = () => null;
/** A server that is away gives no part: news that can't be shown must not take the page with it. */
const ToastList = lazy<ComponentType<ToastListProps>>(() => load().catch(() => ({ default: Nothing })));

/** Short news at the edge of the window, read out as well. */
export function ToastProvider({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Shown[]>([]);
  // From the first on: the place of toasts keeps the focus when the one that had it goes.
  const [used, setUsed] = useState(false);
  useLater(load);
  const show = useCallback((toast: Toast) => {
    setUsed(true);
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
      {children}
      {used && (
        <Suspense>
          <ToastList toasts={toasts} onClose={close} />
        </Suspense>
      )}
    </ToastContext>
  );
}
