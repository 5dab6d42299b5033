import { useQuery } from "@tanstack/react-query";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { Card, CardBody, CardHeader, Fact, Facts } from "@/components/card";
import { CopyButton } from "@/components/copy";
import { QueryView, Skeleton } from "@/components/page-state";

import { Version } from "./version";

export function Server() {
  const api = useApi();
  return (
    <Card>
      <CardHeader title="Server" />
      <CardBody>
        <QueryView query={useQuery(queries.onboarding(api))} loading={<Skeleton className="h-40" />}>
          {({ domain, ip }) => (
            <Facts>
              <Fact name="Domain">{domain ? <Copied text={domain} label="Copy domain" /> : "none"}</Fact>
              <Fact name="Address">
                <Copied text={ip} label="Copy address" />
              </Fact>
              <Fact name="Version">
                <Version />
              </Fact>
            </Facts>
          )}
        </QueryView>
      </CardBody>
    </Card>
  );
}

function Copied({ text, label }: { text: string; label: string }) {
  return (
    <span className="-my-1.5 flex items-center gap-1">
      <code className="min-w-0 font-mono wrap-anywhere">{text}</code>
      <CopyButton text={text} label={label} />
    </span>
  );
}
