import { moment, relative } from "@/lib/format";
import { useNow } from "@/lib/use-now";

/** How long ago or until; the whole time for whoever points at it. */
export function Ago({ time }: { time: string }) {
  const now = useNow(10_000);
  return (
    <time dateTime={time} title={moment(time)} className="whitespace-nowrap">
      {relative(time, now)}
    </time>
  );
}
