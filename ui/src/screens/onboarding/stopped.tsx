import type { ReactNode } from "react";

import { asSentence } from "@/api/error";
import { Words } from "@/components/words";

import { reasonsOf } from "./reasons";

/** Why the set-up stopped, in full, and the way on. */
export function Stopped({ reason, action }: { reason: string; action: ReactNode }) {
  return (
    // Where there is little room, below the sign of the task too.
    <div className="mt-2 space-y-2 rounded-lg bg-bad-tint p-3 max-sm:-ml-8">
        {reasonsOf(reason).map(({ reason, sameFor }) => (
          <div key={reason}>
            <p className="whitespace-pre-line">
              <Words>{asSentence(reason)}</Words>
            </p>
            {sameFor.length > 0 && (
              <p>
                <Words>{`The same holds for ${sameFor.map((host) => `\`${host}\``).join(" and ")}.`}</Words>
              </p>
            )}
          </div>
        ))}
        <p className="text-soft">
          What was done before is kept, and trying again goes on from here. Certificate authorities count failed tries, so mend
          the cause first.
        </p>
        {action}
    </div>
  );
}
