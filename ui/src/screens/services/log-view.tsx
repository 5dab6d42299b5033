import { Download, Pause, Play, Trash2 } from "lucide-react";
import { useDeferredValue, useMemo, useState } from "react";

import type { LogLevel } from "@/api/schema";
import { Badge } from "@/components/badge";
import { Button } from "@/components/button";
import { Filter } from "@/components/filter";
import { useToast } from "@/components/toast-context";
import { plural } from "@/lib/format";
import { useNow } from "@/lib/use-now";
import { usePlatform } from "@/platform/context";

import { asText, matches, visible } from "./log-filter";
import { LogLines } from "./log-lines";
import type { LogAction, LogState } from "./log-state";
import { useLog } from "./use-log";

/** The running log of one service. */
export function LogView({ service }: { service: string }) {
  const [log, dispatch] = useLog(service);
  const [text, setText] = useState("");
  const [matchesOnly, setMatchesOnly] = useState(true);
  const [level, setLevel] = useState<LogLevel>("debug");
  const searched = useDeferredValue(text);
  const shown = useMemo(
    () => visible(log.entries, { text: searched, matchesOnly, level }),
    [log.entries, searched, matchesOnly, level],
  );
  const found = useMemo(() => matches(shown, searched), [shown, searched]);
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2 px-4 pb-3 sm:px-5">
        <Filter label="Search in the log" value={text} onChange={setText} />
        <label className="flex min-h-9 items-center gap-2 text-sm pointer-coarse:min-h-11">
          <input
            type="checkbox"
            className="size-4.5 accent-accent"
            checked={matchesOnly}
            onChange={(event) => setMatchesOnly(event.target.checked)}
          />
          Matching lines only
        </label>
        <LevelChoice level={level} onChange={setLevel} />
        <Button className="sm:ml-auto" onClick={() => dispatch({ type: log.paused ? "resume" : "pause" })}>
          {log.paused ? <Play aria-hidden /> : <Pause aria-hidden />}
          {log.paused ? "Go on" : "Pause"}
        </Button>
      </div>
      <LogLines
        label={`Log of ${service}`}
        entries={shown}
        search={searched}
        empty={emptyText(log, searched, level)}
      />
      <div className="flex min-h-11 flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2 text-sm text-soft sm:px-5">
        <StreamState log={log} onRetry={() => dispatch({ type: "retry" })} />
        <span>{plural(shown.filter(({ kind }) => kind === "line").length, "line")}</span>
        {searched.trim() !== "" && <span role="status">{found === 0 ? "Nothing found" : `${found.toLocaleString()} with “${searched.trim()}”`}</span>}
        <Keeping service={service} log={log} dispatch={dispatch} />
      </div>
    </>
  );
}

function LevelChoice({ level, onChange }: { level: LogLevel; onChange: (level: LogLevel) => void }) {
  return (
    <select
      aria-label="Level"
      value={level}
      onChange={(event) => onChange(event.target.value as LogLevel)}
      className="h-9 rounded-lg border border-line-strong bg-surface px-2 text-sm pointer-coarse:h-11 pointer-coarse:text-base"
    >
      <option value="debug">All levels</option>
      <option value="info">Information and worse</option>
      <option value="warn">Warnings and errors</option>
      <option value="error">Errors only</option>
    </select>
  );
}

interface KeepingProps {
  service: string;
  log: LogState;
  dispatch: (action: LogAction) => void;
}

function Keeping({ service, log, dispatch }: KeepingProps) {
  const platform = usePlatform();
  const toast = useToast();
  const all = [...log.entries, ...log.waiting];
  const save = () => {
    const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
    platform.saveText(`${service}-${stamp}.log`, asText(all)).catch(toast.failed);
  };
  return (
    <span className="flex flex-wrap gap-2 text-ink sm:ml-auto">
      <Button size="sm" onClick={() => dispatch({ type: "clear" })} disabled={all.length === 0}>
        <Trash2 aria-hidden /> Clear log
      </Button>
      <Button size="sm" onClick={save} disabled={all.length === 0}>
        <Download aria-hidden /> Download log
      </Button>
    </span>
  );
}

function StreamState({ log, onRetry }: { log: LogState; onRetry: () => void }) {
  if (log.stream === "lost") return <Lost retryAt={log.retryAt} onRetry={onRetry} />;
  if (log.paused) {
    const waiting = log.waiting.length + log.lost;
    return (
      <Badge tone="warn" dot>
        {waiting === 0 ? "Paused" : `Paused, ${plural(waiting, "line")} waiting`}
      </Badge>
    );
  }
  return log.stream === "open" ? (
    <Badge tone="good" dot>
      Live
    </Badge>
  ) : (
    <Badge dot>Connecting</Badge>
  );
}

function Lost({ retryAt, onRetry }: { retryAt: number; onRetry: () => void }) {
  const seconds = Math.max(0, Math.ceil((retryAt - useNow()) / 1000));
  return (
    <>
      <span role="status">
        <Badge tone="warn" dot>
          Connection lost
        </Badge>
      </span>
      <span className="tabular-nums">Next try in {seconds} s</span>
      <Button variant="link" size="inline" onClick={onRetry}>
        Try now
      </Button>
    </>
  );
}

function emptyText(log: LogState, text: string, level: LogLevel): string {
  if (log.entries.length > 0) return text.trim() || level !== "debug" ? "No line matches." : "";
  if (log.stream === "connecting") return "Connecting…";
  return log.stream === "open" ? "No lines yet. New ones appear here by themselves." : "";
}
