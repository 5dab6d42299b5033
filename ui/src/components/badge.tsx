import { cva, type VariantProps } from "class-variance-authority";
import type { ReactNode } from "react";

// Where the panel knows nothing new (`data-stale`), no colour says how things are now.
const STALE = "in-data-stale:bg-sunken in-data-stale:text-soft";

const look = cva(`inline-flex items-center gap-1.5 rounded-full px-2 py-0.5 text-xs font-medium whitespace-nowrap ${STALE}`, {
  variants: {
    tone: {
      good: "bg-good-tint text-good",
      warn: "bg-warn-tint text-warn",
      bad: "bg-bad-tint text-bad",
      accent: "bg-accent-tint text-accent",
      neutral: "bg-sunken text-soft",
    },
  },
  defaultVariants: { tone: "neutral" },
});

export type Tone = NonNullable<VariantProps<typeof look>["tone"]>;

/** A state in a word. The dot only repeats what the word says: colour is never the only sign. */
export function Badge({ tone, dot, children }: { tone?: Tone; dot?: boolean; children: ReactNode }) {
  return (
    <span className={look({ tone })}>
      {dot && <span aria-hidden className="size-1.5 rounded-full border border-current bg-current in-data-stale:bg-transparent" />}
      {children}
    </span>
  );
}
