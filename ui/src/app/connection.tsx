import { useQueryClient } from "@tanstack/react-query";
import { CloudOff, KeyRound } from "lucide-react";
import { useEffect, useSyncExternalStore } from "react";

import { useApi } from "@/api/context";
import { needsCode } from "@/api/error";
import { Button } from "@/components/button";
import { usePlatform } from "@/platform/context";

import { connection } from "./connection-state";

/** How often the server is asked whether it is back, or takes this browser again. */
const PROBE_MS = 3000;

/** Says that the server can't be reached, or asks for a code, and takes away nothing of the page. */
export function ConnectionBanner() {
  const state = useSyncExternalStore(connection.subscribe, connection.current);
  const api = useApi();
  const platform = usePlatform();
  const cache = useQueryClient();
  useEffect(() => {
    if (state === "open") return;
    const timer = setInterval(() => {
      // Not its health: that is told without a session, too.
      api.get("/api/onboarding/status").then(
        () => {
          connection.report("open");
          void cache.invalidateQueries();
        },
        (error: unknown) => {
          if (needsCode(error)) connection.report("code-needed");
        },
      );
    }, PROBE_MS);
    return () => clearInterval(timer);
  }, [state, api, cache]);

  if (state === "open") return null;
  return (
    <div role="alert" className="sticky top-0 z-10 flex flex-wrap items-center gap-3 bg-warn-tint px-4 py-2.5 text-sm text-warn max-md:top-16 sm:px-6 lg:px-8">
      {state === "lost" ? (
        <>
          <CloudOff aria-hidden className="size-4" />
          <p className="flex-1">
            <strong>The server can’t be reached.</strong> What you see is as it was; what you typed stays.
          </p>
        </>
      ) : (
        <>
          <KeyRound aria-hidden className="size-4" />
          <p className="flex-1">
            <strong>Your session is over.</strong> Enter a one-time code in a new window; this one then goes on by
            itself, and what you typed stays.
          </p>
          <Button size="sm" asChild>
            <a href={platform.addressOf("/")} target="_blank" rel="noreferrer">
              Enter code
            </a>
          </Button>
        </>
      )}
    </div>
  );
}
