import { CircleAlert, CircleSlash, RotateCcw, X } from "lucide-react";

import { Button } from "@/components/button";
import { Card } from "@/components/card";
import { Notice } from "@/components/notice";
import { Progress } from "@/components/progress";
import { Words } from "@/components/words";
import { bytes, countdown, plural } from "@/lib/format";
import { useNow } from "@/lib/use-now";

import { join } from "./dropped";
import { MAX_FILE_BYTES, type UploadQueue } from "./upload-queue";
import { summary, type UploadItem, type UploadView } from "./upload-view";

/** So many rows at most: whoever uploads thousands of files reads the line above them. */
const MAX_ROWS = 30;
/** What needs an eye or a hand stands first. */
const ORDER = ["sending", "failed", "cancelled", "waiting"];

/** What is on its way into the site, and what did not get there. */
export function UploadPanel({ view, queue }: { view: UploadView; queue: UploadQueue }) {
  const { items, pause, warning } = view;
  if (items.length === 0) return null;
  const all = summary(items);
  const rows = items
    .filter(({ state }) => state !== "done")
    .sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  return (
    <Card aria-label="Uploads">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 p-4">
        <p role="status" className="text-sm font-medium">
          {headline(all)}
        </p>
        <div className="flex flex-wrap gap-2">
          {all.failed > 0 && (
            <Button size="sm" onClick={() => queue.retry()}>
              <RotateCcw aria-hidden /> Try failed again
            </Button>
          )}
          {all.active > 0 ? (
            <Button size="sm" onClick={() => queue.cancelAll()}>
              Cancel all
            </Button>
          ) : (
            <Button size="sm" onClick={() => queue.clear()}>
              Close
            </Button>
          )}
        </div>
        <div className="w-full">
          <Progress share={all.share} label="All uploads" tone={all.failed > 0 ? "bad" : "accent"} />
        </div>
        {pause && all.active > 0 && <Pause pause={pause} />}
      </div>
      {warning && (
        <Notice tone="warn" className="mx-4 mb-4">
          <Words>{warning}</Words>
        </Notice>
      )}
      {rows.length > 0 && (
        <ul className="max-h-80 divide-y divide-line overflow-y-auto border-t border-line" tabIndex={0} aria-label="Files">
          {rows.slice(0, MAX_ROWS).map((item) => (
            <Row key={item.id} item={item} queue={queue} />
          ))}
          {rows.length > MAX_ROWS && (
            <li className="px-4 py-2.5 text-sm text-soft">and {plural(rows.length - MAX_ROWS, "more file")}</li>
          )}
        </ul>
      )}
    </Card>
  );
}

function headline({ active, done, failed, total }: ReturnType<typeof summary>): string {
  const failures = failed > 0 ? ` ${plural(failed, "file")} failed.` : "";
  if (active > 0) return `Uploading: ${done} of ${plural(total, "file")} done.${failures}`;
  if (total === 0) return "The upload was cancelled.";
  return `${plural(done, "file")} uploaded.${failures}`;
}

const REASONS = {
  rate: "The server takes only so many requests a minute.",
  busy: "The server is busy with other uploads.",
  lost: "The server can’t be reached.",
};

function Pause({ pause }: { pause: NonNullable<UploadView["pause"]> }) {
  const now = useNow();
  return (
    <p className="w-full text-sm text-warn">
      {REASONS[pause.reason]} It goes on by itself in {countdown((pause.until - now) / 1000)}.
    </p>
  );
}

function Row({ item, queue }: { item: UploadItem; queue: UploadQueue }) {
  const path = join(item.folder, item.name);
  const over = item.state === "failed" || item.state === "cancelled";
  return (
    <li className="flex items-center gap-3 px-4 py-2 text-sm">
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-baseline gap-x-2">
          <span className="wrap-anywhere">{path}</span>
          <span className="text-soft">{bytes(item.size)}</span>
        </p>
        {item.state === "sending" && (
          <div className="mt-1.5">
            <Progress share={item.share} label={path} />
          </div>
        )}
        {item.state === "failed" && (
          <p className="flex items-start gap-1.5 text-bad">
            <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0" />
            <span className="min-w-0 wrap-anywhere">{item.problem && <Words>{item.problem}</Words>}</span>
          </p>
        )}
        {item.state === "cancelled" && (
          <p className="flex items-center gap-1.5 text-soft">
            <CircleSlash aria-hidden className="size-4" /> Cancelled
          </p>
        )}
        {item.state === "waiting" && <p className="text-soft">Waiting</p>}
      </div>
      {!over && (
        <Button variant="ghost" size="icon" aria-label={`Cancel ${path}`} onClick={() => queue.cancel(item.id)}>
          <X aria-hidden />
        </Button>
      )}
      {over && item.size <= MAX_FILE_BYTES && (
        <Button variant="ghost" size="icon" aria-label={`Try ${path} again`} onClick={() => queue.retry(item.id)}>
          <RotateCcw aria-hidden />
        </Button>
      )}
    </li>
  );
}
