import { cn } from "@/lib/cn";

/** A share of a whole, from 0 to 1, as a bar. */
export function Progress({ share, label, tone = "accent" }: { share: number; label: string; tone?: "accent" | "warn" | "bad" }) {
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 100);
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
      className="h-1.5 overflow-hidden rounded-full bg-sunken"
    >
      <div
        className={cn("h-full rounded-full transition-[width] in-data-stale:bg-line-strong", tone === "bad" ? "bg-bad" : tone === "warn" ? "bg-warn" : "bg-accent")}
        style={{ width: `${percent}%` }}
      />
    </div>
  );
}
