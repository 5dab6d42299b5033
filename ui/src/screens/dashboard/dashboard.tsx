import { useQuery } from "@tanstack/react-query";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { Page } from "@/components/page";

import { AgentsPart } from "./agents-part";
import { AuditPart } from "./audit-part";
import { EndingsPart } from "./endings-part";
import { FirstSteps } from "./first-steps";
import { ServicesPart } from "./services-part";
import { StatCards } from "./stat-cards";
import { TunnelsPart } from "./tunnels-part";

/** How everything is, at a look; each part leads to the page that says more. */
export function Component() {
  return (
    <Page title="Dashboard">
      <StatCards />
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Connections />
        <ServicesPart />
        <div className="grid gap-4">
          <EndingsPart />
          <AuditPart />
        </div>
      </div>
    </Page>
  );
}

/** Agents and their tunnels, or how to come by them. */
function Connections() {
  const api = useApi();
  const tunnels = useQuery(queries.tunnels(api)).data?.tunnels;
  const agents = useQuery(queries.agents(api)).data?.agents;
  const noAgent = agents?.every(({ revoked }) => revoked) ?? false;
  const noTunnel = tunnels?.length === 0;
  if (noAgent || noTunnel) return <FirstSteps agent={!noAgent && agents !== undefined} tunnel={!noTunnel && tunnels !== undefined} />;
  return (
    <>
      <TunnelsPart />
      <AgentsPart />
    </>
  );
}
