import { useQuery, useQueryClient } from "@tanstack/react-query";
import { SearchCheck } from "lucide-react";
import { useState } from "react";

import { useApi } from "@/api/context";
import { asSentence, sentence } from "@/api/error";
import { queries } from "@/api/queries";
import type { Site, SiteDns } from "@/api/schema";
import { Button } from "@/components/button";
import { Card, CardBody, CardHeader } from "@/components/card";
import { CopyButton } from "@/components/copy";
import { Notice } from "@/components/notice";
import { Ago } from "@/components/time";
import { useToast } from "@/components/toast-context";
import { Words } from "@/components/words";

/** How long until the name is looked at again, once somebody asked for it. */
const LOOK_AGAIN_MS = 15_000;

/** Which record a site's own domain needs, and what was seen of it. Looks again while it is open. */
export function DnsHelp({ site }: { site: Site }) {
  const api = useApi();
  const ip = useQuery(queries.onboarding(api)).data?.ip ?? undefined;
  const [asked, setAsked] = useState(false);
  const look = useLook(site, asked);
  const verify = () => (asked ? void look.refetch() : setAsked(true));
  return (
    <Card>
      <CardHeader
        title={`Lead ${site.fqdn} to this server`}
        lead="Create this record where the domain is managed, then verify it. A new record can take minutes to be seen everywhere."
      />
      <CardBody className="flex flex-col gap-4">
        {ip && <RecordTable fqdn={site.fqdn} ip={ip} />}
        <div className="flex flex-wrap items-center gap-3">
          <Button variant="primary" busy={look.isFetching} onClick={verify}>
            {!look.isFetching && <SearchCheck aria-hidden />} Verify record
          </Button>
          {look.data && (
            <p className="text-sm text-soft">
              Looked <Ago time={new Date(look.dataUpdatedAt).toISOString()} />. It goes on looking while this page is open.
            </p>
          )}
        </div>
        <div aria-live="polite">
          {look.data && <Seen dns={look.data} />}
          {look.error && !look.data && <Notice tone="bad"><Words>{sentence(look.error)}</Words></Notice>}
        </div>
      </CardBody>
    </Card>
  );
}

/** The look is a question that also opens the site when the answer is good. */
function useLook(site: Site, asked: boolean) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  return useQuery({
    queryKey: ["site-dns", site.id],
    queryFn: async ({ signal }) => {
      const seen = await api.post("/api/sites/{id}/verify-dns", { path: { id: site.id }, signal });
      if (seen.ok) {
        toast.done(asSentence(seen.message));
        await cache.invalidateQueries({ queryKey: ["sites"] });
      }
      return seen;
    },
    enabled: asked,
    gcTime: 0,
    retry: false,
    refetchInterval: ({ state }) => (state.data?.ok ? false : LOOK_AGAIN_MS),
  });
}

function RecordTable({ fqdn, ip }: { fqdn: string; ip: string }) {
  const record = [
    ["Type", ip.includes(":") ? "AAAA" : "A"],
    ["Name", fqdn],
    ["Value", ip],
  ] as const;
  return (
    <dl className="grid gap-px overflow-hidden rounded-lg border border-line bg-line text-sm sm:grid-cols-[6rem_1fr_1fr]">
      {record.map(([name, value]) => (
        <div key={name} className="bg-sunken px-3 py-1.5">
          <dt className="text-xs text-soft">{name}</dt>
          <dd className="flex min-h-8 items-center gap-2">
            <span className="min-w-0 flex-1 font-mono wrap-anywhere">{value}</span>
            {name !== "Type" && <CopyButton text={value} label={`Copy ${name.toLowerCase()}`} />}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Seen({ dns }: { dns: SiteDns }) {
  if (dns.ok) return <Notice tone="good"><Words>{asSentence(dns.message)}</Words></Notice>;
  const seen = dns.resolvedIps ?? [];
  return (
    <Notice tone="warn" title={<Words>{asSentence(dns.message)}</Words>}>
      <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-0.5">
        <dt className="text-soft">Seen</dt>
        <dd className="font-mono">{seen.length > 0 ? seen.join(", ") : "no address"}</dd>
        <dt className="text-soft">Expected</dt>
        <dd className="font-mono">{dns.expectedIp}</dd>
      </dl>
    </Notice>
  );
}
