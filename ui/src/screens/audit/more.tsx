import { useEffect, useRef } from "react";

import { sentence } from "@/api/error";
import { Button } from "@/components/button";
import { Words } from "@/components/words";

interface MoreProps {
  busy: boolean;
  error: Error | null;
  onMore: () => void;
}

/** The end of what was loaded: coming near it loads more, and so does the button. */
export function More({ busy, error, onMore }: MoreProps) {
  const end = useRef<HTMLDivElement>(null);
  const isIdle = !busy && !error;
  useEffect(() => {
    if (!end.current || !isIdle) return;
    const observer = new IntersectionObserver(
      ([seen]) => {
        if (seen?.isIntersecting) onMore();
      },
      { rootMargin: "600px" },
    );
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [isIdle, onMore]);
  return (
    <div ref={end} className="flex flex-col items-center gap-2 pb-4">
      {error && (
        <p role="alert" className="text-sm text-bad">
          <Words>{sentence(error)}</Words>
        </p>
      )}
      <Button busy={busy} onClick={onMore}>
        Load older entries
      </Button>
    </div>
  );
}
