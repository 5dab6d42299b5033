import { useQuery } from "@tanstack/react-query";

import { useApi } from "@/api/context";
import { asSentence } from "@/api/error";
import { queries } from "@/api/queries";
import { Badge } from "@/components/badge";
import { Ago } from "@/components/time";
import { Words } from "@/components/words";
import { statusOf } from "@/screens/tunnels/status";

import { Nothing, Part, Row, Rows, SHOWN, Summary } from "./part";
import { countTunnels } from "./summary";

/** How many tunnels serve, and which do not. */
export function TunnelsPart() {
  return (
    <Part title="Tunnels" to="/tunnels" more="All tunnels" query={useQuery(queries.tunnels(useApi()))}>
      {({ tunnels }) => {
        const { serving, down, off } = countTunnels(tunnels);
        return (
          <>
            <Summary>
              <Badge tone="good" dot>
                {serving.toLocaleString()} serving
              </Badge>
              {down.length > 0 && (
                <Badge tone="bad" dot>
                  {down.length.toLocaleString()} not serving
                </Badge>
              )}
              {off > 0 && <Badge>{off.toLocaleString()} off</Badge>}
            </Summary>
            {down.length === 0 && <Nothing>{serving > 0 ? "Every tunnel that is on serves." : "No tunnel is on."}</Nothing>}
            <Rows label="Tunnels that do not serve" rest={down.length - SHOWN}>
              {down.slice(0, SHOWN).map((tunnel) => (
                <Row
                  key={tunnel.id}
                  name={tunnel.fqdn}
                  note={tunnel.statusDetail && <Words>{asSentence(tunnel.statusDetail)}</Words>}
                  side={
                    <>
                      <Badge tone={statusOf(tunnel).tone}>{statusOf(tunnel).label}</Badge>
                      {tunnel.statusSince && <Ago time={tunnel.statusSince} />}
                    </>
                  }
                />
              ))}
            </Rows>
          </>
        );
      }}
    </Part>
  );
}
