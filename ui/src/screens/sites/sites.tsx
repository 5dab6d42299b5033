import { useQuery } from "@tanstack/react-query";
import { ExternalLink, Globe, Plus } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { Site } from "@/api/schema";
import { Badge } from "@/components/badge";
import { Button } from "@/components/button";
import { Card } from "@/components/card";
import { DataList } from "@/components/data-list";
import { Filter } from "@/components/filter";
import { Page } from "@/components/page";
import { QueryView, State } from "@/components/page-state";
import { bytes } from "@/lib/format";
import { usePublicAddress } from "@/lib/public-address";

import { CreateDialog } from "./create-dialog";
import { matches, siteStatus } from "./rules";

export function Component() {
  const api = useApi();
  const [creating, setCreating] = useState(false);
  const create = (
    <Button variant="primary" onClick={() => setCreating(true)}>
      <Plus aria-hidden /> Create site
    </Button>
  );
  return (
    <Page
      title="Sites"
      lead="Pages and files that this server itself shows to visitors. Nothing at home has to run for them."
      actions={create}
    >
      <QueryView query={useQuery(queries.sites(api))}>
        {({ sites }) =>
          sites.length > 0 ? (
            <SiteList sites={sites} />
          ) : (
            <Card>
              <State icon={Globe} title="No sites" action={create}>
                Create a site, then drop the folder with its pages into it.
              </State>
            </Card>
          )
        }
      </QueryView>
      <CreateDialog open={creating} onOpenChange={setCreating} />
    </Page>
  );
}

function SiteList({ sites }: { sites: Site[] }) {
  const [filter, setFilter] = useState("");
  return (
    <div className="flex flex-col gap-3">
      <Filter label="Find a site" value={filter} onChange={setFilter} />
      <Card>
        <DataList
          label="Sites"
          rows={sites.filter((site) => matches(site, filter))}
          rowKey={(site) => site.id}
          empty={<State icon={Globe} title="No site has this name" />}
          columns={[
            {
              header: "Site",
              width: "4fr",
              phone: "title",
              cell: (site) => (
                <>
                  <Link to={`/sites/${site.id}`} className="font-medium text-accent underline-offset-4 hover:underline">
                    {site.name}
                  </Link>
                  <SiteAddress site={site} />
                </>
              ),
            },
            { header: "Status", width: "8.5rem", phone: "plain", cell: (site) => <SiteStatus site={site} /> },
            { header: "Visitors", width: "2fr", phone: "plain", cell: (site) => <SiteFlags site={site} /> },
            { header: "Domain", width: "7rem", phone: "hidden", cell: ({ type }) => (type === "managed" ? "This server’s" : "Its own") },
            { header: "Size", width: "6rem", cell: ({ totalSize }) => bytes(totalSize) },
          ]}
        />
      </Card>
    </div>
  );
}

/** The address, as a link once somebody answers there. */
export function SiteAddress({ site }: { site: Site }) {
  const addressOf = usePublicAddress();
  if (!site.dnsVerified || !site.certIssued) return <p className="text-soft">{site.fqdn}</p>;
  return (
    <p>
      <a
        href={addressOf(site.fqdn)}
        target="_blank"
        rel="noreferrer"
        className="text-soft underline-offset-4 hover:text-accent hover:underline"
      >
        {site.fqdn} <ExternalLink aria-label="(opens in a new tab)" className="inline size-3.5" />
      </a>
    </p>
  );
}

export function SiteStatus({ site }: { site: Site }) {
  const { word, tone, meaning } = siteStatus(site);
  return (
    <span title={meaning}>
      <Badge tone={tone} dot>
        {word}
      </Badge>
    </span>
  );
}

export function SiteFlags({ site }: { site: Site }) {
  return (
    <span className="flex flex-wrap gap-1">
      {site.autheliaProtected ? <Badge tone="accent">Protected</Badge> : <Badge>Everybody</Badge>}
      {site.spaMode && <Badge>SPA</Badge>}
    </span>
  );
}
