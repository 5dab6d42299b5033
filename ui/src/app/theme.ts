import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

const KEY = "portlama-theme";
const listeners = new Set<() => void>();
const system = () => window.matchMedia("(prefers-color-scheme: dark)");

/** The user's choice. `public/theme.js` applies it before the first paint. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  return [useSyncExternalStore(subscribe, chosen), choose];
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function chosen(): Theme {
  const stored = read();
  return stored === "light" || stored === "dark" ? stored : "system";
}

function choose(theme: Theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Storage may be off: the choice holds until the window closes.
  }
  apply();
  for (const listener of listeners) listener();
}

function read(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function apply() {
  const theme = chosen();
  document.documentElement.classList.toggle("dark", theme === "dark" || (theme === "system" && system().matches));
}

/** Follows the system while the user has chosen nothing else. */
export function followSystem() {
  system().addEventListener("change", apply);
}
