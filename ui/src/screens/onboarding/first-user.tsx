import type { ReactNode } from "react";

import type { ProvisionResult } from "@/api/schema";
import { Card, CardBody, CardHeader } from "@/components/card";
import { CopyLine, SecretLine } from "@/components/copy";
import { Notice } from "@/components/notice";
import { QrCode } from "@/components/qr-code";
import { countdown } from "@/lib/format";
import { secretOf } from "@/lib/otpauth";
import { useNow } from "@/lib/use-now";

interface FirstUserProps {
  result: ProvisionResult;
  /** When the server forgets the secrets. */
  until: string | null;
}

export function FirstUser({ result, until }: FirstUserProps) {
  const { adminUsername: name, adminPassword: password, adminTotpUri: uri } = result;
  return (
    <Card>
      <CardHeader
        title="Your first user"
        lead="It signs in to the apps and sites behind this server, with password and one-time code. This panel asks for your certificate instead."
      />
      <CardBody className="grid gap-5 sm:grid-cols-[minmax(0,1fr)_auto]">
        <div className="flex min-w-0 flex-col gap-4">
          <Labelled label="Username">
            <CopyLine text={name} label="Copy username" />
          </Labelled>
          <Labelled label="Password">
            {password ? <SecretLine secret={password} name="password" /> : <Kept>The user was there before and keeps its password.</Kept>}
          </Labelled>
          {uri ? (
            <Labelled label="Key of the one-time codes, for apps without a camera">
              <SecretLine secret={secretOf(uri)} name="key" />
            </Labelled>
          ) : (
            <Kept>The authenticator app that the user has goes on working.</Kept>
          )}
        </div>
        {uri && (
          <figure className="flex flex-col items-center gap-2 justify-self-center">
            <QrCode text={uri} label={`QR code of the one-time codes of ${name}`} />
            <figcaption className="max-w-50 text-center text-sm text-soft">Scan this with an authenticator app on your phone.</figcaption>
          </figure>
        )}
        {(password || uri) && (
          <div className="sm:col-span-2">
            <Deadline until={until} />
          </div>
        )}
      </CardBody>
    </Card>
  );
}

/** How long the page can be called again. The clock of this machine may differ from the server's. */
function Deadline({ until }: { until: string | null }) {
  const now = useNow();
  const left = until === null ? null : (Date.parse(until) - now) / 1000;
  if (left !== null && left <= 0) {
    return (
      <Notice tone="warn" title="This page is the last to show them">
        The server’s ten minutes are over. Save the password and scan the code before you go on.
      </Notice>
    );
  }
  return (
    <Notice tone="warn" title="Save the password and scan the code now">
      The server shows them until you go on, and for ten minutes at most
      {left !== null && <> (<span className="tabular-nums">{countdown(left)}</span> left)</>}; a restart of the server ends it,
      too. The panel can’t show them afterwards. If they are lost, give the user a new password and new codes under Users.
    </Notice>
  );
}

/** The time was over before this page was read. */
export function Forgotten() {
  return (
    <Notice tone="warn" title="The first user’s password can’t be shown any more">
      It was acknowledged in another window, its ten minutes are over, or the server was started again. The user admin is there:
      if you don’t have its password, give it a new one, and new one-time codes, under Users.
    </Notice>
  );
}

function Labelled({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div>
      <p className="mb-1 text-sm font-medium">{label}</p>
      {children}
    </div>
  );
}

function Kept({ children }: { children: ReactNode }) {
  return <p className="text-sm text-soft">{children}</p>;
}
