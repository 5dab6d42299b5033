import * as z from "zod/mini";

import type { LogFrame } from "@/api/schema";

const FRAME = z.object({
  timestamp: z.string(),
  message: z.string(),
  level: z.optional(z.nullable(z.enum(["debug", "info", "warn", "error"]))),
  dropped: z.optional(z.nullable(z.number())),
});

/** A frame of the log's WebSocket; null for text that is none. */
export function parseFrame(text: string): LogFrame | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const read = FRAME.safeParse(json);
  return read.success ? read.data : null;
}
