import { useCallback, useEffect, useReducer, useRef, useState } from "react";

import { usePlatform } from "@/platform/context";

import { readFrame } from "./frames";
import { follow, START, wait } from "./stream";

const PATH = "/api/onboarding/provision/stream";

/**
 * Watches the run, through reloads, restarts of the server and lost connections.
 *
 * @param onEnd a socket ended: the set-up may be over, since there is no stream afterwards
 */
export function useStream(onEnd: () => void) {
  const platform = usePlatform();
  const [stream, dispatch] = useReducer(follow, START);
  // Each number is a socket: the next one opens when it changes.
  const [turn, setTurn] = useState(0);
  const lostInARow = useRef(0);
  const ended = useRef(onEnd);
  useEffect(() => {
    ended.current = onEnd;
  }, [onEnd]);

  const reopen = useCallback(() => setTurn((before) => before + 1), []);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const socket = platform.openSocket(PATH, {
      onOpen: () => undefined,
      onMessage: (message) => {
        const frame = readFrame(message);
        if (!frame) return;
        lostInARow.current = 0;
        dispatch({ kind: "frame", frame });
      },
      onEnd: () => {
        lostInARow.current += 1;
        dispatch({ kind: "ended" });
        ended.current();
        timer = setTimeout(reopen, wait(lostInARow.current, Math.random()));
      },
    });
    return () => {
      clearTimeout(timer);
      socket.close();
    };
  }, [platform, turn, reopen]);

  return { stream, dispatch, reopen };
}
