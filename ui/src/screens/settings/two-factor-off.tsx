import { Dialog } from "@/components/dialog";

import { CodeForm } from "./code-form";

export function TwoFactorOff({ onClose }: { onClose: () => void }) {
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title="Turn off one-time codes?"
      lead="From then on the certificate alone opens this panel. The key in your authenticator app becomes useless; turning codes on again makes a new one."
    >
      <CodeForm
        route="/api/settings/2fa/disable"
        action="Turn off codes"
        danger
        done="The panel asks for the certificate alone from now on."
        onClose={onClose}
      />
    </Dialog>
  );
}
