import { Bug } from "lucide-react";
import { useEffect, useSyncExternalStore } from "react";
import { useRouteError } from "react-router";

import { useApi } from "@/api/context";
import { Button } from "@/components/button";
import { State } from "@/components/page-state";

import { connection, type Connection } from "@/api/connection";

const TITLES: Record<Connection, string> = {
  open: "This page failed",
  lost: "The server can’t be reached",
  "code-needed": "Your session is over",
  refused: "Your certificate is not valid here any more",
};

const WAYS_ON: Record<Connection, string> = {
  open: "If the server was upgraded while this window was open, loading it again is all it takes.",
  lost: "This page could not be loaded from it. It may be restarting, or this machine is offline: load again in a while.",
  "code-needed": "Loading again asks for a one-time code.",
  refused: "This page could not be loaded with it. Loading again shows what the server says of the certificate.",
};

/** A fault of the panel itself, or a part of it that could not be loaded. */
export function CrashPage() {
  const error = useRouteError();
  const state = useSyncExternalStore(connection.subscribe, connection.current);
  const api = useApi();
  // A part that was not loaded never tells why; an answer of the API does.
  useEffect(() => {
    api.get("/api/onboarding/status").then(
      () => connection.report("open"),
      (failure: unknown) => connection.hear(failure),
    );
  }, [api]);
  return (
    <main>
      <State
        urgent
        icon={Bug}
        title={TITLES[state]}
        action={
          <Button variant="primary" onClick={() => window.location.reload()}>
            Load again
          </Button>
        }
      >
        {state === "open" && (error instanceof Error ? error.message : "Nothing on the server was changed by it.")}{" "}
        {WAYS_ON[state]}
      </State>
    </main>
  );
}
