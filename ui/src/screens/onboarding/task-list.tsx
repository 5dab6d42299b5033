import { Circle, CircleAlert, CircleCheck, LoaderCircle, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

import { asSentence } from "@/api/error";
import { Words } from "@/components/words";
import { cn } from "@/lib/cn";

import type { Task } from "./frames";
import { Stopped } from "./stopped";
import type { Failure } from "./stream";

const SIGNS: Record<Task["status"], { icon: LucideIcon; word: string; className: string }> = {
  pending: { icon: Circle, word: "Waits", className: "text-line-strong" },
  running: { icon: LoaderCircle, word: "Runs", className: "animate-spin text-accent" },
  done: { icon: CircleCheck, word: "Done", className: "text-good" },
  error: { icon: CircleAlert, word: "Failed", className: "text-bad" },
};

interface TaskListProps {
  tasks: Task[];
  failure: Failure | null;
  /** What to do about the failure. */
  wayOn: ReactNode;
}

export function TaskList({ tasks, failure, wayOn }: TaskListProps) {
  const running = tasks.find(({ status }) => status === "running");
  return (
    <>
      <ol aria-label="Tasks" className="divide-y divide-line px-4 sm:px-5">
        {tasks.map((task) => (
          <TaskRow key={task.id} task={task}>
            {failure?.task === task.id && <Stopped reason={failure.reason} action={wayOn} />}
          </TaskRow>
        ))}
      </ol>
      <p role="status" className="sr-only">
        {running?.message ?? running?.title}
      </p>
    </>
  );
}

function TaskRow({ task: { title, status, message, log }, children }: { task: Task; children: ReactNode }) {
  const { icon: Icon, word, className } = SIGNS[status];
  // The first line is the title, the last is shown as the message, and that of a failure repeats others.
  const between = (log?.trim().split("\n") ?? []).filter((line) => line !== title && !message?.includes(line));
  return (
    <li className="flex min-h-16 gap-3 py-3">
      <Icon aria-label={word} className={cn("mt-0.5 size-5 shrink-0", className)} />
      <div className="min-w-0 flex-1 text-sm wrap-anywhere">
        <p className={cn("font-medium", status === "pending" && "text-soft")}>
          <Words>{title}</Words>
        </p>
        {children || (
          <p className="min-h-5 text-soft">{message && message !== title && <Words>{asSentence(message)}</Words>}</p>
        )}
        {between.length > 0 && (
          <details className="mt-1">
            <summary className="w-fit text-soft hover:text-ink">What happened</summary>
            <pre tabIndex={0} className="mt-1 max-h-48 overflow-y-auto rounded-lg bg-sunken p-3 font-mono text-xs whitespace-pre-wrap">
              {between.join("\n")}
            </pre>
          </details>
        )}
      </div>
    </li>
  );
}
