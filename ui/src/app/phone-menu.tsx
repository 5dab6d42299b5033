import { X } from "lucide-react";
import { Dialog } from "radix-ui";
import type { RefObject } from "react";

import { Button } from "@/components/button";

import { Brand, Foot, Navigation } from "./side";

interface PhoneMenuProps {
  onClose: () => void;
  /** Where the focus goes when it is gone. */
  opener: RefObject<HTMLElement | null>;
}

export default function PhoneMenu({ onClose, opener }: PhoneMenuProps) {
  return (
    <Dialog.Root open onOpenChange={onClose}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-black/50" />
        <Dialog.Content
          aria-describedby={undefined}
          onCloseAutoFocus={(event) => {
            event.preventDefault();
            opener.current?.focus();
          }}
          className="fixed inset-y-0 left-0 z-50 flex w-72 max-w-[85vw] flex-col bg-surface shadow-raised outline-none"
        >
          <Dialog.Title className="sr-only">Menu</Dialog.Title>
          <div className="flex items-center justify-between pr-2">
            <Brand />
            <Dialog.Close asChild>
              <Button variant="ghost" size="icon" aria-label="Close menu">
                <X aria-hidden />
              </Button>
            </Dialog.Close>
          </div>
          <Navigation onNavigate={onClose} />
          <Foot />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
