import { useQuery } from "@tanstack/react-query";
import { Download, KeyRound, RotateCw } from "lucide-react";
import { useState } from "react";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { AdminAuthMode, Certificate } from "@/api/schema";
import { Badge } from "@/components/badge";
import { Button } from "@/components/button";
import { Card, CardBody, CardHeader, Fact, Facts } from "@/components/card";
import { Notice } from "@/components/notice";
import { QueryView } from "@/components/page-state";
import { useToast } from "@/components/toast-context";
import { usePlatform } from "@/platform/context";

import { HardwareDialog } from "./hardware-dialog";
import { Lifetime } from "./lifetime";
import { RotateDialog } from "./rotate-dialog";

export function PanelAccess() {
  const api = useApi();
  const mode = useQuery(queries.adminAuth(api));
  return (
    <QueryView query={useQuery(queries.certificates(api))}>
      {({ certs }) => (
        <div className="flex flex-col gap-5">
          <QueryView query={mode}>
            {({ adminAuthMode }) => (
              <AdminCard mode={adminAuthMode} certificate={certs.find(({ type }) => type === "mtls-client")} />
            )}
          </QueryView>
          <AuthorityCard certificate={certs.find(({ type }) => type === "mtls-ca")} />
        </div>
      )}
    </QueryView>
  );
}

interface AdminCardProps {
  mode: AdminAuthMode;
  certificate: Certificate | undefined;
}

function AdminCard({ mode, certificate }: AdminCardProps) {
  const [dialog, setDialog] = useState<"rotate" | "hardware" | null>(null);
  const close = () => setDialog(null);
  return (
    <Card aria-label="Your admin certificate">
      <CardHeader
        title="Your admin certificate"
        lead="Whoever has it and its key manages this server. Your browser shows it each time you open the panel."
        actions={
          mode === "p12" && (
            <>
              <DownloadP12 />
              <Button variant="primary" onClick={() => setDialog("rotate")}>
                <RotateCw aria-hidden /> Rotate
              </Button>
            </>
          )
        }
      />
      <CardBody>
        <Facts>
          <Fact name="Key">{mode === "p12" ? <Badge>P12 file</Badge> : <Badge tone="good">Bound to your hardware</Badge>}</Fact>
          <Fact name="Ends">{certificate?.expiresAt ? <Lifetime expiresAt={certificate.expiresAt} /> : "Not known"}</Fact>
          {certificate && (
            <Fact name="File on the server">
              <code className="font-mono">{certificate.path}</code>
            </Fact>
          )}
        </Facts>
        {mode === "p12" ? (
          <div className="mt-3 flex flex-wrap items-center justify-between gap-3 rounded-lg bg-sunken p-3 text-sm">
            <p className="min-w-0 flex-1 basis-64">
              The server made this key, so its file can be copied. A key inside a security key, a TPM or a keychain can’t.
            </p>
            <Button onClick={() => setDialog("hardware")}>
              <KeyRound aria-hidden /> Move to hardware
            </Button>
          </div>
        ) : (
          <Notice className="mt-3" title="There is no file that could be copied">
            So it can’t be downloaded or rotated here. If you lose the key, run{" "}
            <code className="font-mono">portlama server reset-admin</code> on the server: it makes a new certificate as a P12
            file.
          </Notice>
        )}
      </CardBody>
      {dialog === "rotate" && <RotateDialog onClose={close} />}
      {dialog === "hardware" && <HardwareDialog onClose={close} />}
    </Card>
  );
}

function DownloadP12() {
  const platform = usePlatform();
  const toast = useToast();
  return (
    <Button
      title="Its password is the one that was shown when it was made"
      onClick={() => platform.download("/api/certs/mtls/download", "client.p12").catch(toast.failed)}
    >
      <Download aria-hidden /> Download P12
    </Button>
  );
}

function AuthorityCard({ certificate }: { certificate: Certificate | undefined }) {
  return (
    <Card aria-label="This server’s own authority">
      <CardHeader
        title="This server’s own authority"
        lead="It signs your certificate and those of your agents, and agents know the server by it. It was made when the server was set up; nobody else trusts it."
      />
      <CardBody>
        <Facts>
          <Fact name="Ends">{certificate?.expiresAt ? <Lifetime expiresAt={certificate.expiresAt} /> : "Not known"}</Fact>
          {certificate && (
            <Fact name="File on the server">
              <code className="font-mono">{certificate.path}</code>
            </Fact>
          )}
        </Facts>
      </CardBody>
    </Card>
  );
}
