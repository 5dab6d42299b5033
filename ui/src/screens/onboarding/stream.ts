import type { Frame, Task } from "./frames";

/** What is known of the run, and of the way on which it is known. */
export interface Stream {
  /** `connecting` before the first frame, `lost` from the end of one socket to the next frame. */
  link: "connecting" | "open" | "lost";
  /** Sockets that ended since the last frame. */
  lostInARow: number;
  isRunning: boolean;
  tasks: Task[];
  failure: Failure | null;
  isComplete: boolean;
}

export interface Failure {
  /** The task's id. */
  task: string;
  /** Why, in the certificate authority's own words where it was that. */
  reason: string;
}

export type StreamEvent =
  | { kind: "frame"; frame: Frame }
  | { kind: "ended" }
  /** Another run is asked for. */
  | { kind: "asked" };

export const START: Stream = {
  link: "connecting",
  lostInARow: 0,
  isRunning: false,
  tasks: [],
  failure: null,
  isComplete: false,
};

export function follow(stream: Stream, event: StreamEvent): Stream {
  switch (event.kind) {
    case "ended":
      return { ...stream, link: stream.link === "connecting" ? "connecting" : "lost", lostInARow: stream.lostInARow + 1 };
    case "asked":
      return { ...stream, isRunning: true, failure: null, tasks: waiting(stream.tasks) };
    case "frame":
      return { ...told(stream, event.frame), link: "open", lostInARow: 0 };
  }
}

function told(stream: Stream, frame: Frame): Stream {
  switch (frame.kind) {
    case "state":
      return {
        ...stream,
        isRunning: frame.isRunning,
        tasks: frame.tasks,
        failure: frame.error ? { task: frame.error.task, reason: frame.error.message } : null,
        isComplete: Boolean(frame.result),
      };
    case "progress": {
      // A run that begins elsewhere, in another window, shows itself by its first task.
      const before = stream.isRunning ? stream.tasks : waiting(stream.tasks);
      return { ...stream, isRunning: true, failure: null, tasks: placed(before, frame.task) };
    }
    case "failed":
      return {
        ...stream,
        isRunning: false,
        failure: { task: frame.task, reason: frame.reason },
        tasks: stream.tasks.map((task) =>
          task.id === frame.task ? { ...task, status: "error", message: frame.reason } : task,
        ),
      };
    case "complete":
      return { ...stream, isRunning: false, failure: null, isComplete: true };
  }
}

/** What is done stays done; everything else waits for its turn again. */
function waiting(tasks: Task[]): Task[] {
  return tasks.map((task) => (task.status === "done" ? task : { ...task, status: "pending", message: null, log: null }));
}

function placed(tasks: Task[], task: Task): Task[] {
  if (!tasks.some(({ id }) => id === task.id)) return [...tasks, task];
  return tasks.map((before) => (before.id === task.id ? task : before));
}

/** The first wait before another socket is opened, and the longest, milliseconds. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/**
 * How long to wait after so many sockets that ended in a row. Twice as long each time, and a part of
 * it by chance, so that the windows of many people don't come back in the same moment.
 *
 * @param chance from 0 to 1
 */
export function wait(lostInARow: number, chance: number): number {
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.max(0, lostInARow - 1));
  return longest * (0.5 + chance / 2);
}
