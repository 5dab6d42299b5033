import { useQuery } from "@tanstack/react-query";

import { useApi } from "@/api/context";
import { asSentence } from "@/api/error";
import { queries } from "@/api/queries";
import { Badge } from "@/components/badge";
import { Words } from "@/components/words";
import { useNow } from "@/lib/use-now";

import { Nothing, Part, Row, Rows, SHOWN } from "./part";
import { endings, endTone, endWords } from "./summary";

/** Certificates that end within 30 days, and hosts that get none. */
export function EndingsPart() {
  const api = useApi();
  const agents = useQuery(queries.agents(api)).data?.agents ?? [];
  const now = useNow(60_000);
  return (
    <Part title="Ending soon" to="/certificates" more="All certificates" query={useQuery(queries.certificates(api))} className="min-h-28">
      {({ certs }) => {
        const found = endings(certs, agents, now);
        if (found.length === 0) return <Nothing>All certificates hold for more than 30 days.</Nothing>;
        return (
          <Rows label="Certificates that end soon" rest={found.length - SHOWN}>
            {found.slice(0, SHOWN).map((end) => (
              <Row key={end.key} name={end.name} note={end.problem && <Words>{asSentence(end.problem)}</Words>} side={<Badge tone={endTone(end)}>{endWords(end)}</Badge>} />
            ))}
          </Rows>
        );
      }}
    </Part>
  );
}
