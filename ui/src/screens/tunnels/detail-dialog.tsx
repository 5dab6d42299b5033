import { ExternalLink, Pencil } from "lucide-react";

import { asSentence } from "@/api/error";
import type { Tunnel } from "@/api/schema";
import { Badge } from "@/components/badge";
import { Button } from "@/components/button";
import { Fact, Facts } from "@/components/card";
import { CopyLine } from "@/components/copy";
import { Dialog, DialogActions } from "@/components/dialog";
import { Notice } from "@/components/notice";
import { Ago } from "@/components/time";
import { Words } from "@/components/words";
import { bytes, moment } from "@/lib/format";
import { usePublicAddress } from "@/lib/public-address";

import { ProgressSteps } from "./progress-steps";
import { accessOf, statusOf } from "./status";

interface DetailDialogProps {
  tunnel: Tunnel;
  /** It was made just now: says so, and what is left to do. */
  fresh?: boolean;
  onClose: () => void;
  onEdit: () => void;
  onEnroll: () => void;
}

/** Everything about one tunnel. It follows what the server measures while it is open. */
export function DetailDialog({ tunnel, fresh, onClose, onEdit, onEnroll }: DetailDialogProps) {
  const address = usePublicAddress()(tunnel.fqdn);
  const status = statusOf(tunnel);
  const serves = tunnel.status === "serving";
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={fresh ? `${tunnel.fqdn} was made` : tunnel.fqdn}
      lead={fresh && !serves ? "What is left before visitors are served:" : tunnel.description}
    >
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm" aria-live="polite">
        <Badge tone={status.tone} dot>
          {status.label}
        </Badge>
        {tunnel.statusSince && (
          <span className="text-soft">
            <Ago time={tunnel.statusSince} />
          </span>
        )}
        {serves && tunnel.statusDetail && (
          <span className="text-soft">
            <Words>{asSentence(tunnel.statusDetail)}</Words>
          </span>
        )}
      </div>
      {!serves && <ProgressSteps tunnel={tunnel} onEnroll={onEnroll} />}
      <CopyLine text={address} label="Copy address" />
      {tunnel.accessMode === "public" && (
        <Notice tone="bad" title="Everybody on the internet may visit">
          Nobody signs in. To change that, edit the tunnel.
        </Notice>
      )}
      <TunnelFacts tunnel={tunnel} />
      <Told tunnel={tunnel} />
      <DialogActions>
        <Button onClick={onEdit}>
          <Pencil aria-hidden /> Edit tunnel
        </Button>
        {serves ? (
          <Button variant="primary" asChild>
            <a href={address} target="_blank" rel="noreferrer">
              <ExternalLink aria-hidden /> Open app
            </a>
          </Button>
        ) : (
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        )}
      </DialogActions>
    </Dialog>
  );
}

function TunnelFacts({ tunnel }: { tunnel: Tunnel }) {
  const { traffic, agentLabel, originScheme = "http", hostHeader, originTlsVerify } = tunnel;
  const unchecked = originScheme === "https" && originTlsVerify === false;
  return (
    <Facts>
      <Fact name="Agent">{agentLabel ?? "None yet: the first that enrols"}</Fact>
      <Fact name="App">
        {originScheme.toUpperCase()} at port {tunnel.port}
        {hostHeader === "local" && ", which it sees as localhost"}
        {unchecked && ", its certificate is not checked"}
      </Fact>
      <Fact name="Who may visit">{accessOf(tunnel).label}</Fact>
      {tunnel.accessMode === "authenticated" && tunnel.allowCrossSite && (
        <Fact name="Other websites">May make a signed-in visitor’s browser change things there</Fact>
      )}
      {traffic && (
        <Fact name="Since the server started">
          {traffic.requests.toLocaleString()} requests, {bytes(traffic.bytesIn)} in, {bytes(traffic.bytesOut)} out
        </Fact>
      )}
      <Fact name="Made">{moment(tunnel.createdAt)}</Fact>
    </Facts>
  );
}

const ALWAYS: [header: string, meaning: string][] = [
  ["X-Forwarded-For, X-Real-IP", "the visitor’s address"],
  ["X-Forwarded-Host", "the host name the visitor typed"],
  ["X-Forwarded-Proto", "https"],
];
const SIGNED_IN: [header: string, meaning: string][] = [
  ["Remote-User", "the username"],
  ["Remote-Name", "the name that is shown"],
  ["Remote-Email", "the e-mail address"],
  ["Remote-Groups", "the groups, separated by commas"],
];

/** What the app can read of its visitors, for whoever sets the app up. */
function Told({ tunnel }: { tunnel: Tunnel }) {
  const headers = tunnel.accessMode === "authenticated" ? [...SIGNED_IN, ...ALWAYS] : ALWAYS;
  return (
    <details>
      <summary className="text-sm font-medium">What the app is told about a visitor</summary>
      <p className="pt-2 text-sm text-soft">
        In header fields of each request. What visitors send under these names never reaches the app.
      </p>
      <Facts>
        {headers.map(([header, meaning]) => (
          <Fact key={header} name={<code className="font-mono">{header}</code>}>
            {meaning}
          </Fact>
        ))}
      </Facts>
    </details>
  );
}
