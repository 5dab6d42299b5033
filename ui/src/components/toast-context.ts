import { createContext, useContext } from "react";

export interface Toast {
  text: string;
  bad?: boolean;
  /** Takes back what the toast tells of. */
  undo?: () => void;
}

interface Toasts {
  show(toast: Toast): void;
  /** Something went well. */
  done(text: string): void;
  /** Something failed, and no field or dialog is there to say so. */
  failed(error: unknown): void;
}

export const ToastContext = createContext<Toasts | null>(null);

export function useToast(): Toasts {
  const toasts = useContext(ToastContext);
  if (!toasts) throw new Error("no ToastProvider above this component");
  return toasts;
}
