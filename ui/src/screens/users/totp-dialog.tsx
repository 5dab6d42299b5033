import { useRef, useState } from "react";

import { useApi } from "@/api/context";
import type { TotpReset, User } from "@/api/schema";
import { Button } from "@/components/button";
import { SecretLine } from "@/components/copy";
import { Confirm, Dialog, DialogActions } from "@/components/dialog";
import { QrCode } from "@/components/qr-code";
import { secretOf } from "@/lib/otpauth";

/** Gives a user a new seed: asks first, then shows it once. */
export function TotpDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const api = useApi();
  const [made, setMade] = useState<TotpReset | null>(null);
  // The question closes itself when it was answered: that must not close what comes after it.
  const answered = useRef(false);
  if (!made) {
    return (
      <Confirm
        open
        onOpenChange={() => answered.current || onClose()}
        title={`Reset the one-time codes of ${user.username}?`}
        action="Reset codes"
        onConfirm={async () => {
          const reset = await api.post("/api/users/{username}/reset-totp", { path: { username: user.username } });
          answered.current = true;
          setMade(reset);
        }}
      >
        The authenticator app they use now stops working at once. You get a new QR code, which is shown only here.
      </Confirm>
    );
  }
  return (
    <Dialog
      open
      holdsSecret
      onOpenChange={onClose}
      title={`New one-time codes for ${user.username}`}
      lead="Let them scan this with their authenticator app. It is shown once."
    >
      <div className="flex justify-center">
        <QrCode text={made.totpUri} label={`QR code of the new one-time codes of ${user.username}`} />
      </div>
      <SecretLine secret={secretOf(made.totpUri)} name="key" />
      <DialogActions>
        <Button variant="primary" onClick={onClose}>
          Done
        </Button>
      </DialogActions>
    </Dialog>
  );
}
