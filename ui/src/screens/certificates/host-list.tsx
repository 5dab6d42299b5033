import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { FileBadge, RefreshCw } from "lucide-react";
import { useState } from "react";

import { useApi } from "@/api/context";
import { asSentence } from "@/api/error";
import { queries } from "@/api/queries";
import type { Certificate } from "@/api/schema";
import { Badge } from "@/components/badge";
import { Button } from "@/components/button";
import { Card } from "@/components/card";
import { DataList } from "@/components/data-list";
import { Filter } from "@/components/filter";
import { QueryView, State } from "@/components/page-state";
import { Ago } from "@/components/time";
import { useToast } from "@/components/toast-context";
import { Words } from "@/components/words";
import { moment, plural } from "@/lib/format";

import { AutoRenewal } from "./auto-renewal";
import { Lifetime } from "./lifetime";
import { HOST_STATES, hostCertificates, issuer } from "./rules";

export function HostList() {
  const api = useApi();
  const [filter, setFilter] = useState("");
  const wanted = filter.trim().toLowerCase();
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <Filter label="Find a host" value={filter} onChange={setFilter} />
        <AutoRenewal />
      </div>
      <Card>
        <QueryView query={useQuery(queries.certificates(api))}>
          {({ certs }) => (
            <DataList
              label="Certificates of hosts"
              rows={hostCertificates(certs).filter(({ domain }) => domain?.includes(wanted))}
              rowKey={({ domain, path }) => domain ?? path}
              empty={
                <State icon={FileBadge} title={wanted ? "No host has this name" : "No certificates yet"}>
                  {!wanted && "Every tunnel and site gets one by itself."}
                </State>
              }
              columns={[
                {
                  header: "Host",
                  width: "4fr",
                  phone: "title",
                  cell: (certificate) => (
                    <>
                      <p className="font-medium">{certificate.domain}</p>
                      <p className="text-soft">{issuer(certificate)}</p>
                    </>
                  ),
                },
                { header: "State", width: "5fr", phone: "plain", cell: (certificate) => <HostState certificate={certificate} /> },
                {
                  header: "Ends",
                  width: "3fr",
                  phone: "plain",
                  cell: ({ expiresAt }) => (expiresAt ? <Lifetime expiresAt={expiresAt} /> : <span className="text-soft">–</span>),
                },
                { header: "Actions", width: "7rem", align: "end", cell: (certificate) => <Renew certificate={certificate} /> },
              ]}
            />
          )}
        </QueryView>
      </Card>
    </div>
  );
}

/** How it is; when there is trouble, in the words of whoever refused. */
function HostState({ certificate: { status, failure, attemptsLeft } }: { certificate: Certificate }) {
  const { word, tone } = HOST_STATES[status ?? "good"];
  return (
    <div className="flex flex-col items-start gap-1">
      <Badge tone={tone} dot>
        {word}
      </Badge>
      {failure && (
        <>
          <p>
            <Words>{asSentence(failure.message)}</Words>
          </p>
          <p className="text-soft">
            Failing since <Ago time={failure.since} />. Next try <Ago time={failure.nextTry} />
            {attemptsLeft != null && `; ${plural(attemptsLeft, "try", "tries")} left within the hour`}.
          </p>
        </>
      )}
      {!failure && status === "pending" && <p className="text-soft">It is being asked for.</p>}
    </div>
  );
}

function Renew({ certificate: { domain } }: { certificate: Certificate }) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  const renewal = useMutation({
    mutationFn: (host: string) => api.post("/api/certs/{domain}/renew", { path: { domain: host } }),
    onSuccess: ({ domain: host, newExpiry, warning }) => {
      const until = newExpiry ? ` It holds until ${moment(newExpiry)}.` : "";
      toast.done(`${host} has a new certificate.${until}${warning ? ` ${asSentence(warning)}` : ""}`);
    },
    onError: toast.failed,
    onSettled: () => cache.invalidateQueries({ queryKey: ["certificates"] }),
  });
  if (!domain) return null;
  return (
    <Button size="sm" aria-label={`Renew the certificate of ${domain}`} busy={renewal.isPending} onClick={() => renewal.mutate(domain)}>
      {!renewal.isPending && <RefreshCw aria-hidden />} Renew
    </Button>
  );
}
