import { useQuery } from "@tanstack/react-query";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { Ago } from "@/components/time";
import { actionWords, identityWords } from "@/screens/audit/words";

import { Nothing, Part, Row, Rows } from "./part";

export const RECENT_CHANGES = 8;

/** Who changed what, last. */
export function AuditPart() {
  return (
    <Part title="Last changes" to="/audit" more="Audit log" query={useQuery(queries.recentAudit(useApi(), RECENT_CHANGES))} className="min-h-136">
      {({ entries }) =>
        entries.length === 0 ? (
          <Nothing>Nothing was changed yet.</Nothing>
        ) : (
          <Rows label="Last changes">
            {entries.map(({ id, action, target, identity, at }) => (
              <Row
                key={id}
                name={actionWords(action)}
                note={target}
                side={
                  <>
                    <span>{identityWords(identity)}</span>
                    <Ago time={at} />
                  </>
                }
              />
            ))}
          </Rows>
        )
      }
    </Part>
  );
}
