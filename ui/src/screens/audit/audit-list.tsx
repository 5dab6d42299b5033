import { ArrowRight } from "lucide-react";
import type { ReactNode } from "react";

import type { AuditEntry } from "@/api/schema";
import { DataList } from "@/components/data-list";
import { Ago } from "@/components/time";
import { moment, plural } from "@/lib/format";

import type { AuditFilter } from "./audit-filters";
import { actionWords, changes, identityWords, memberWords, type Change } from "./words";

interface AuditListProps {
  entries: AuditEntry[];
  /** Narrows the log down to what was clicked. */
  onFilter: (part: AuditFilter) => void;
  empty: ReactNode;
}

export function AuditList({ entries, onFilter, empty }: AuditListProps) {
  return (
    <DataList
      label="Changes"
      rows={entries}
      rowKey={({ id }) => String(id)}
      empty={empty}
      columns={[
        {
          header: "What",
          width: "4fr",
          phone: "title",
          cell: ({ action, target }) => (
            <>
              <span title={action}>{actionWords(action)}</span>{" "}
              <Narrow onClick={() => onFilter({ target })} title="Show all changes of it">
                {target}
              </Narrow>
            </>
          ),
        },
        { header: "Details", width: "5fr", phone: "title", cell: (entry) => <Details entry={entry} /> },
        {
          header: "Who",
          width: "2fr",
          phone: "plain",
          cell: ({ identity }) => (
            <Narrow onClick={() => onFilter({ identity })} title="Show all changes made by them">
              {identityWords(identity)}
            </Narrow>
          ),
        },
        {
          header: "When",
          width: "11rem",
          phone: "plain",
          cell: ({ at }) => (
            <>
              <span className="max-md:hidden">{moment(at)}</span>
              <span className="text-soft md:block">
                <Ago time={at} />
              </span>
            </>
          ),
        },
      ]}
    />
  );
}

function Narrow({ onClick, title, children }: { onClick: () => void; title: string; children: ReactNode }) {
  return (
    <button
      type="button"
      title={title}
      onClick={onClick}
      className="text-left font-medium wrap-anywhere underline-offset-4 hover:text-accent hover:underline"
    >
      {children}
    </button>
  );
}

/** So much of a row stands there without being asked for. */
const SHORT_LINES = 3;
const SHORT_LETTERS = 120;

function isShort(all: Change[]): boolean {
  const letters = all.reduce((sum, { before = "", after = "" }) => sum + before.length + after.length, 0);
  return all.length <= SHORT_LINES && letters <= SHORT_LETTERS;
}

/** Uploads tell how many files there were; of many, not all names. */
function summary(all: Change[]): string {
  const count = all.find(({ member }) => member === "count")?.after;
  return count ? `${count} files` : plural(all.length, "value");
}

/** What is different stands there at once; all of a thing that came or went is asked for. */
function Details({ entry: { before, after } }: { entry: AuditEntry }) {
  const all = changes(before, after);
  if (all.length === 0) return <span className="text-soft">–</span>;
  if (isShort(all)) return <Changes changes={all} />;
  return (
    <details>
      <summary className="text-soft hover:text-ink">{summary(all)}</summary>
      <Changes changes={all} />
    </details>
  );
}

function Changes({ changes }: { changes: Change[] }) {
  return (
    <ul className="space-y-0.5 py-0.5">
      {changes.map(({ member, before, after }) => (
        <li key={member} className="wrap-anywhere">
          <span className="text-soft">{memberWords(member)}:</span>{" "}
          {before !== undefined && <span className={after === undefined ? undefined : "text-soft line-through"}>{before}</span>}
          {before !== undefined && after !== undefined && (
            <>
              {" "}
              <ArrowRight aria-label="became" className="inline size-3.5 text-soft" />{" "}
            </>
          )}
          {after}
        </li>
      ))}
    </ul>
  );
}
