import { useCallback, useState } from "react";

const DIALOG = "[role=dialog], [role=alertdialog]";

/** From where each dialog was opened. */
const openers = new WeakMap<Element, HTMLElement | null>();

/**
 * Brings the focus back to where it was when a dialog opened: dialogs here are opened by state, so
 * their library knows no trigger. To be called by what is mounted when it opens.
 */
export function useReturnFocus() {
  // Before anything in the dialog takes the focus, and while what it was opened from still stands.
  const [opener] = useState(findOpener);
  const ref = useCallback(
    (dialog: HTMLElement | null) => {
      if (dialog) openers.set(dialog, opener);
    },
    [opener],
  );
  const onCloseAutoFocus = (event: Event) => {
    event.preventDefault();
    (standing(opener) ?? document.getElementById("main"))?.focus({ preventScroll: true });
  };
  return { ref, onCloseAutoFocus };
}

/** What has the focus; of a menu, which is about to close, the button that opened it. */
function findOpener(): HTMLElement | null {
  const active = document.activeElement;
  if (!(active instanceof HTMLElement)) return null;
  // A button that is busy loses the focus: then what counts is the dialog that it is in.
  if (active === document.body) return [...document.querySelectorAll<HTMLElement>(DIALOG)].at(-1) ?? null;
  const button = active.closest("[role=menu]")?.getAttribute("aria-labelledby");
  return button ? document.getElementById(button) : active;
}

/** A dialog that followed another goes back to where that one came from. */
function standing(opener: HTMLElement | null): HTMLElement | null {
  if (!opener || opener.isConnected) return opener;
  const dialog = opener.closest(DIALOG);
  return dialog ? standing(openers.get(dialog) ?? null) : null;
}
