import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef, type ReactNode } from "react";

import type { LogLevel } from "@/api/schema";
import { Button } from "@/components/button";
import { cn } from "@/lib/cn";

import { markText, pieces } from "./log-filter";
import type { LogEntry } from "./log-state";

/** What a line is taken to be high until it was measured. */
const LINE_HEIGHT = 20;
/** So near the end counts as being there, pixels. */
const END = 24;

const TONES: Record<LogLevel, string> = { debug: "text-soft", info: "", warn: "text-warn", error: "text-bad" };

interface LogLinesProps {
  label: string;
  entries: LogEntry[];
  search: string;
  /** Shown when there are no entries. */
  empty: ReactNode;
}

/** Lines in a window of their own height. It follows the end unless somebody scrolled up. */
export function LogLines({ label, entries, search, empty }: LogLinesProps) {
  const frame = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: entries.length,
    getScrollElement: () => frame.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 20,
    paddingStart: 8,
    paddingEnd: 8,
    getItemKey: (index) => entries[index]?.id ?? index,
    // Above the end, the line at the top stays where it is while older ones leave.
    anchorTo: "end",
    followOnAppend: true,
    scrollEndThreshold: END,
  });
  return (
    <div className="relative border-y border-line bg-sunken">
      <div
        ref={frame}
        role="log"
        aria-label={label}
        // Read out line by line, a log would drown everything else.
        aria-live="off"
        tabIndex={0}
        className="h-[min(60dvh,36rem)] overflow-y-auto overscroll-contain font-mono text-xs leading-5 -outline-offset-2"
      >
        {entries.length === 0 && <p className="p-4 text-soft">{empty}</p>}
        <div className="relative" style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ key, index, start }) => {
            const entry = entries[index];
            return (
              <div
                key={key}
                ref={virtual.measureElement}
                data-index={index}
                className="absolute inset-x-0 top-0"
                style={{ transform: `translateY(${start}px)` }}
              >
                {entry && <Entry entry={entry} search={search} />}
              </div>
            );
          })}
        </div>
      </div>
      {!virtual.isAtEnd(END) && (
        <Button size="sm" className="absolute right-4 bottom-3 shadow-raised" onClick={() => virtual.scrollToEnd()}>
          Go to the end
        </Button>
      )}
    </div>
  );
}

function Entry({ entry, search }: { entry: LogEntry; search: string }) {
  if (entry.kind !== "line") {
    return (
      <p className="flex items-center gap-3 px-4 py-0.5 text-warn before:h-px before:flex-1 before:bg-current after:h-px after:flex-1 after:bg-current">
        {markText(entry)}
      </p>
    );
  }
  const { timestamp, level, message } = entry;
  return (
    <p className="flex flex-wrap gap-x-3 px-4 hover:bg-surface sm:flex-nowrap">
      <time dateTime={timestamp || undefined} title={timestamp} className="w-[8ch] shrink-0 text-soft">
        {clock(timestamp)}
      </time>
      <span className={cn("w-[5ch] shrink-0", TONES[level])}>{level}</span>
      <span className={cn("min-w-0 wrap-anywhere whitespace-pre-wrap max-sm:w-full", TONES[level])}>
        {pieces(message, search).map((piece, index) =>
          index % 2 === 1 ? (
            <mark key={index} className="rounded-xs bg-accent text-accent-ink">
              {piece}
            </mark>
          ) : (
            piece
          ),
        )}
      </span>
    </p>
  );
}

/** The time of day in the reader's zone. */
function clock(timestamp: string): string {
  const at = new Date(timestamp);
  return Number.isNaN(at.getTime()) ? "" : at.toLocaleTimeString("en-GB");
}
