import { useQuery } from "@tanstack/react-query";

import { useApi } from "@/api/context";
import { asSentence } from "@/api/error";
import { queries } from "@/api/queries";
import { Badge } from "@/components/badge";
import { Words } from "@/components/words";
import { purpose, STATES } from "@/screens/services/service-rules";

import { Part, Row, Rows } from "./part";
import { byHealth } from "./summary";

/** How the parts of the system are; what failed comes first, with the reason. */
export function ServicesPart() {
  return (
    <Part title="Parts of the system" to="/services" more="All services" query={useQuery(queries.services(useApi()))} className="min-h-80">
      {({ services }) => (
        <Rows label="Parts of the system">
          {byHealth(services).map((service) => (
            <Row
              key={service.name}
              name={service.name}
              note={service.status !== "active" && service.detail ? <Words>{asSentence(service.detail)}</Words> : purpose(service)}
              side={
                <>
                  <Badge tone={STATES[service.status].tone} dot>
                    {STATES[service.status].word}
                  </Badge>
                  {service.uptime}
                </>
              }
            />
          ))}
        </Rows>
      )}
    </Part>
  );
}
