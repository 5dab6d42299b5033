import { useQuery } from "@tanstack/react-query";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { Card, CardBody, CardHeader, Fact, Facts } from "@/components/card";
import { CopyButton } from "@/components/copy";
import { QueryView, Skeleton } from "@/components/page-state";

export function Server() {
  const api = useApi();
  const { data: health } = useQuery(queries.health(api));
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
                <p className="min-h-5">{health?.version}</p>
                <p className="text-soft">
                  This version can’t replace itself. To change it, stop the server, put another <code className="font-mono text-xs">portlama</code>{" "}
                  program in place of this one, and start it again: an older state is moved forward at the start, and not back.
                </p>
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
