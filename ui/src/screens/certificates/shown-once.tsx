import { useState, type ReactNode } from "react";

import { Button } from "@/components/button";
import { Confirm, Dialog, DialogActions } from "@/components/dialog";

interface ShownOnceProps {
  title: string;
  lead: string;
  /** Whether the user has saved what is shown. */
  saved: boolean;
  /** What closing it unsaved costs. */
  loss: ReactNode;
  onClose: () => void;
  children: ReactNode;
}

/** A dialog whose content is never shown again: closing it before it was saved is asked about. */
export function ShownOnce({ title, lead, saved, loss, onClose, children }: ShownOnceProps) {
  const [asking, setAsking] = useState(false);
  const close = () => (saved ? onClose() : setAsking(true));
  return (
    <Dialog open onOpenChange={close} holdsSecret title={title} lead={lead}>
      {children}
      <DialogActions>
        <Button variant={saved ? "primary" : "secondary"} onClick={close}>
          Done
        </Button>
      </DialogActions>
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title="Close without saving?"
        action="Close without saving"
        onConfirm={async () => onClose()}
      >
        {loss}
      </Confirm>
    </Dialog>
  );
}
