import { CircleAlert, CircleCheck, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

import { cn } from "@/lib/cn";

const LOOKS = {
  info: { icon: Info, className: "bg-accent-tint text-accent" },
  good: { icon: CircleCheck, className: "bg-good-tint text-good" },
  warn: { icon: TriangleAlert, className: "bg-warn-tint text-warn" },
  bad: { icon: CircleAlert, className: "bg-bad-tint text-bad" },
};

interface NoticeProps {
  tone?: keyof typeof LOOKS;
  title?: ReactNode;
  children?: ReactNode;
  /** Announced at once to whoever can't see it appear. */
  urgent?: boolean;
  className?: string;
}

/** Something worth knowing beside what was asked for. */
export function Notice({ tone = "info", title, children, urgent, className }: NoticeProps) {
  const { icon: Icon, className: colours } = LOOKS[tone];
  return (
    <div role={urgent ? "alert" : undefined} className={cn("flex gap-3 rounded-lg p-3 text-sm", colours, className)}>
      <Icon aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0 space-y-1 wrap-anywhere">
        {title && <p className="font-semibold">{title}</p>}
        {children && <div className="text-ink">{children}</div>}
      </div>
    </div>
  );
}
