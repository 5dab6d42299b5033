import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { Page } from "@/components/page";
import { Tabs } from "@/components/tabs";

import { AgentList } from "./agent-list";
import { HostList } from "./host-list";
import { PanelAccess } from "./panel-access";
import { hostCertificates } from "./rules";

const TABS = ["hosts", "access", "agents"];

export function Component() {
  const api = useApi();
  const [search, setSearch] = useSearchParams();
  const certificates = useQuery(queries.certificates(api)).data?.certs;
  const agents = useQuery(queries.agents(api)).data?.agents.filter(({ revoked }) => !revoked).length;
  const tab = search.get("tab") ?? "hosts";
  return (
    <Page title="Certificates" lead="What proves that this server is itself, that you are its admin, and that your agents are yours.">
      <Tabs
        label="Kinds of certificates"
        value={TABS.includes(tab) ? tab : "hosts"}
        onChange={(to) => setSearch(to === "hosts" ? {} : { tab: to }, { replace: true })}
        tabs={[
          { value: "hosts", label: `Hosts ${certificates ? hostCertificates(certificates).length : ""}`, content: <HostList /> },
          { value: "access", label: "Panel access", content: <PanelAccess /> },
          { value: "agents", label: `Agents ${agents ?? ""}`, content: <AgentList /> },
        ]}
      />
    </Page>
  );
}
