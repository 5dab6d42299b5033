import { useEffect, useReducer } from "react";

import { address } from "@/api/client";
import type { LogFrame } from "@/api/schema";
import { usePlatform } from "@/platform/context";
import type { Platform } from "@/platform/platform";

import { parseFrame } from "./log-frame";
import { EMPTY_LOG, logReducer, type LogAction } from "./log-state";

/** Frames are shown together: a log that runs must not paint once a line. */
const BATCH_MS = 50;

/** The log of one service for as long as the component stands; `key` it by the service. */
export function useLog(service: string) {
  const platform = usePlatform();
  const [log, dispatch] = useReducer(logReducer, EMPTY_LOG);
  const waits = log.stream === "lost";
  // One stream from "connecting" until it ends; the next state of "lost" waits for its time.
  useEffect(() => (waits ? undefined : stream(platform, service, dispatch)), [waits, platform, service]);
  useEffect(() => {
    if (!waits) return;
    const timer = setTimeout(() => dispatch({ type: "retry" }), log.retryAt - Date.now());
    return () => clearTimeout(timer);
  }, [waits, log.retryAt]);
  return [log, dispatch] as const;
}

function stream(platform: Platform, service: string, dispatch: (action: LogAction) => void): () => void {
  let frames: LogFrame[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let openedAt: number | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (frames.length > 0) dispatch({ type: "frames", frames });
    frames = [];
  };
  const socket = platform.openSocket(address("/api/services/{name}/logs", { name: service }), {
    onOpen() {
      openedAt = Date.now();
      dispatch({ type: "opened" });
    },
    onMessage(text) {
      const frame = parseFrame(text);
      if (!frame) return;
      frames.push(frame);
      timer ??= setTimeout(flush, BATCH_MS);
    },
    onEnd() {
      flush();
      const now = Date.now();
      dispatch({ type: "ended", now, lasted: openedAt === undefined ? 0 : now - openedAt });
    },
  });
  return () => {
    clearTimeout(timer);
    socket.close();
  };
}
