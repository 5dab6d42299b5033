import * as z from "zod/mini";

/**
 * What the stream of the set-up says. The API's document knows its frames only as "one of these",
 * so each is recognised here by the member that the others lack.
 */

const status = z.enum(["pending", "running", "done", "error"]);
const text = z.nullish(z.string());

const task = z.object({ id: z.string(), title: z.string(), status, message: text, log: text });

const result = z.object({ panelUrl: z.string(), authUrl: z.string() });

const state = z.pipe(
  z.object({
    type: z.literal("state"),
    isRunning: z.boolean(),
    tasks: z.array(task),
    error: z.nullish(z.object({ task: z.string(), message: z.string() })),
    result: z.nullish(result),
  }),
  z.transform((frame) => ({ kind: "state" as const, ...frame })),
);

const complete = z.pipe(
  z.object({ task: z.literal("complete"), result }),
  z.transform(() => ({ kind: "complete" as const })),
);

const failed = z.pipe(
  z.object({ task: z.string(), status: z.literal("error"), error: z.string() }),
  z.transform((frame) => ({ kind: "failed" as const, task: frame.task, reason: frame.error })),
);

const progress = z.pipe(
  z.object({ task: z.string(), title: z.string(), status, message: text, log: text }),
  z.transform(({ task: id, ...rest }) => ({ kind: "progress" as const, task: { id, ...rest } })),
);

const frame = z.union([state, complete, failed, progress]);

export type Task = z.infer<typeof task>;
export type Frame = z.infer<typeof frame>;

/** A frame, or nothing when it is none that this version knows. */
export function readFrame(message: string): Frame | null {
  try {
    return frame.safeParse(JSON.parse(message)).data ?? null;
  } catch {
    return null;
  }
}
