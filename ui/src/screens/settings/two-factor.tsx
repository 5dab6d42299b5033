import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { Badge } from "@/components/badge";
import { Button } from "@/components/button";
import { Card, CardBody, CardHeader } from "@/components/card";
import { QueryView, Skeleton } from "@/components/page-state";

import { TwoFactorFacts } from "./two-factor-facts";
import { TwoFactorOff } from "./two-factor-off";
import { TwoFactorOn } from "./two-factor-on";

/** Whether the panel asks for a one-time code beside the certificate. */
export function TwoFactor() {
  const api = useApi();
  const query = useQuery(queries.twoFactor(api));
  const [dialog, setDialog] = useState<"on" | "off" | null>(null);
  const close = () => setDialog(null);
  return (
    <Card>
      <CardHeader
        title={
          <span className="inline-flex flex-wrap items-center gap-x-2.5 gap-y-1">
            One-time codes for this panel
            {query.data && <Badge tone={query.data.enabled ? "good" : "neutral"}>{query.data.enabled ? "on" : "off"}</Badge>}
          </span>
        }
        lead="A code from an authenticator app beside the certificate, so that a stolen one opens nothing."
        actions={
          query.data &&
          (query.data.enabled ? (
            <Button onClick={() => setDialog("off")}>Turn off codes</Button>
          ) : (
            <Button variant="primary" onClick={() => setDialog("on")}>
              Turn on codes
            </Button>
          ))
        }
      />
      <CardBody>
        <QueryView query={query} loading={<Skeleton className="h-40" />}>
          {({ enabled }) => <TwoFactorFacts isOn={enabled} />}
        </QueryView>
      </CardBody>
      {dialog === "on" && <TwoFactorOn onClose={close} />}
      {dialog === "off" && <TwoFactorOff onClose={close} />}
    </Card>
  );
}
