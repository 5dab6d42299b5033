import { Area, AreaChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";

import { duration } from "@/lib/format";

import type { Sample } from "./history";

/** The line of the first moments is not stretched further than to this time. */
const LEAST_MS = 60_000;

interface GraphProps {
  samples: Sample[];
  of: "cpu" | "memory";
  label: string;
}

/** The last minutes as a line from 0 to 100 percent; now is at the right. */
export default function Graph({ samples, of, label }: GraphProps) {
  const now = samples.at(-1)?.at ?? 0;
  const shown = Math.max(LEAST_MS, now - (samples[0]?.at ?? now));
  const known = samples.map((sample) => sample[of]).filter((value) => value !== null);
  const words = `${label} in the last ${duration(shown / 1000)}: ${percent(Math.min(...known))} to ${percent(Math.max(...known))}`;
  return (
    <div role="img" aria-label={words} className="h-full">
      <ResponsiveContainer>
        <AreaChart data={samples} margin={{ top: 1, right: 0, bottom: 0, left: 0 }} accessibilityLayer={false}>
          <XAxis hide type="number" dataKey="at" domain={[now - shown, now]} allowDataOverflow />
          <YAxis hide domain={[0, 100]} />
          <Tooltip
            isAnimationActive={false}
            cursor={{ stroke: "var(--line-strong)" }}
            content={({ active, payload }) => {
              const sample = payload?.[0]?.payload as Sample | undefined;
              return active && sample ? <Point at={sample.at} value={sample[of]} /> : null;
            }}
          />
          <Area
            dataKey={of}
            type="linear"
            stroke="var(--accent)"
            strokeWidth={1.5}
            fill="var(--accent)"
            fillOpacity={0.15}
            isAnimationActive={false}
          />
        </AreaChart>
      </ResponsiveContainer>
    </div>
  );
}

function Point({ at, value }: { at: number; value: number | null }) {
  return (
    <p className="rounded-md border border-line bg-surface px-2 py-1 text-xs shadow-raised">
      <strong>{percent(value ?? 0)}</strong> <span className="text-soft">{new Date(at).toLocaleTimeString()}</span>
    </p>
  );
}

function percent(value: number): string {
  return `${Number.isFinite(value) ? Math.round(value) : 0} %`;
}
