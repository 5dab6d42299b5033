import { Bug } from "lucide-react";
import { useRouteError } from "react-router";

import { Button } from "@/components/button";
import { State } from "@/components/page-state";

/** A fault of the panel itself, or a part of it that could not be loaded. */
export function CrashPage() {
  const error = useRouteError();
  return (
    <main>
      <State
        urgent
        icon={Bug}
        title="This page failed"
        action={
          <Button variant="primary" onClick={() => window.location.reload()}>
            Load again
          </Button>
        }
      >
        {error instanceof Error ? error.message : "Nothing on the server was changed by it."} If the server was upgraded
        while this window was open, loading it again is all it takes.
      </State>
    </main>
  );
}
