import { useEffect } from "react";

/** By then, what was asked for first is there. */
const LATER_MS = 1500;

/**
 * Fetches a part of the panel that is needed only later, as soon as there is time for it, so that
 * it is there when the server is not.
 */
export function useLater(load: () => Promise<unknown>) {
  useEffect(() => {
    // What could not be fetched now is fetched when it is shown.
    const timer = setTimeout(() => void load().catch(() => undefined), LATER_MS);
    return () => clearTimeout(timer);
  }, [load]);
}
