import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, ExternalLink, Globe } from "lucide-react";
import { Link, useParams, useSearchParams } from "react-router";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { Site } from "@/api/schema";
import { Button } from "@/components/button";
import { Card } from "@/components/card";
import { Page } from "@/components/page";
import { QueryView, State } from "@/components/page-state";
import { Notice } from "@/components/notice";
import { Tabs } from "@/components/tabs";
import { bytes } from "@/lib/format";
import { usePublicAddress } from "@/lib/public-address";

import { DnsHelp } from "./dns-help";
import { FileBrowser } from "./file-browser";
import { siteStatus } from "./rules";
import { SiteSettings } from "./site-settings";
import { SiteFlags, SiteStatus } from "./sites";

export function Component() {
  const { id } = useParams();
  const api = useApi();
  const query = useQuery(queries.sites(api));
  const site = query.data?.sites.find((each) => each.id === id);
  return (
    <Page
      title={site?.name ?? "Site"}
      lead={site ? <Summary site={site} /> : <AllSites />}
      actions={site && siteStatus(site).word === "Live" && <OpenSite site={site} />}
    >
      <QueryView query={query}>
        {() =>
          site ? (
            <Content key={site.id} site={site} />
          ) : (
            <Card>
              <State icon={Globe} title="No such site">
                It may have been deleted.
              </State>
            </Card>
          )
        }
      </QueryView>
    </Page>
  );
}

function AllSites() {
  return (
    <Link to="/sites" className="inline-flex items-center gap-1.5 text-sm text-accent underline-offset-4 hover:underline">
      <ArrowLeft aria-hidden className="size-4" /> All sites
    </Link>
  );
}

function Summary({ site }: { site: Site }) {
  return (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1.5 text-sm">
      <AllSites />
      <SiteStatus site={site} />
      <SiteFlags site={site} />
      <span>{bytes(site.totalSize)}</span>
      <span className="wrap-anywhere">{site.fqdn}</span>
    </span>
  );
}

function OpenSite({ site }: { site: Site }) {
  const addressOf = usePublicAddress();
  return (
    <Button asChild>
      <a href={addressOf(site.fqdn)} target="_blank" rel="noreferrer">
        <ExternalLink aria-hidden /> Open site
      </a>
    </Button>
  );
}

function Content({ site }: { site: Site }) {
  const [search, setSearch] = useSearchParams();
  return (
    <>
      {!site.dnsVerified && <DnsHelp site={site} />}
      {site.dnsVerified && !site.certIssued && (
        <Notice tone="warn" title="Not served yet">
          {siteStatus(site).meaning}{" "}
          <Link to="/certificates" className="text-accent underline underline-offset-4">
            Open Certificates
          </Link>
        </Notice>
      )}
      <Tabs
        label={`Parts of ${site.name}`}
        value={search.get("tab") ?? "files"}
        onChange={(tab) => setSearch(tab === "files" ? {} : { tab }, { replace: true })}
        tabs={[
          { value: "files", label: "Files", content: <FileBrowser site={site} /> },
          { value: "settings", label: "Settings", content: <SiteSettings site={site} /> },
        ]}
      />
    </>
  );
}
