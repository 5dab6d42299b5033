import { Badge } from "@/components/badge";
import { moment } from "@/lib/format";
import { useNow } from "@/lib/use-now";

import { lifetime } from "./rules";

/** How long a certificate still holds, and until when. */
export function Lifetime({ expiresAt }: { expiresAt: string }) {
  const now = useNow(60_000);
  const { word, tone } = lifetime(expiresAt, now);
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2 gap-y-1">
      <Badge tone={tone}>{word}</Badge>
      <time dateTime={expiresAt} className="text-soft">
        {moment(expiresAt)}
      </time>
    </span>
  );
}
