import { useQueryClient } from "@tanstack/react-query";
import { CloudOff, KeyRound, ShieldX, type LucideIcon } from "lucide-react";
import { useEffect, useSyncExternalStore, type ReactNode } from "react";

import { useApi } from "@/api/context";
import { Button } from "@/components/button";
import { clock } from "@/lib/format";
import { useNow } from "@/lib/use-now";
import { usePlatform } from "@/platform/context";

import { connection } from "@/api/connection";

/** How often the server is asked whether it is back, or takes this browser again. */
const PROBE_MS = 3000;

/** Says why the server gives nothing new, and the way on, and takes away nothing of the page. */
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
        (error: unknown) => connection.hear(error),
      );
    }, PROBE_MS);
    return () => clearInterval(timer);
  }, [state, api, cache]);
  useStaleMark(state !== "open");

  switch (state) {
    case "open":
      return null;
    case "lost":
      return (
        <Banner icon={CloudOff}>
          <strong>The server can’t be reached.</strong> What you see is <AsOf />; what you typed stays.
        </Banner>
      );
    case "code-needed":
      return (
        <Banner
          icon={KeyRound}
          action={
            <Button size="sm" asChild>
              <a href={platform.addressOf("/")} target="_blank" rel="noreferrer">
                Enter code
              </a>
            </Button>
          }
        >
          <strong>Your session is over.</strong> What you see is <AsOf />. Enter a one-time code in a new window; this one
          then goes on by itself, and what you typed stays.
        </Banner>
      );
    case "refused":
      return (
        <Banner
          icon={ShieldX}
          action={
            <Button size="sm" onClick={() => window.location.reload()}>
              Load page anew
            </Button>
          }
        >
          <strong>Your certificate is not valid here any more.</strong> What you see is <AsOf />. Loading it anew
          tells why, and loses what you typed.
        </Banner>
      );
  }
}

/** Takes the look of fresh things from all of the window, also from what stands in dialogs. */
function useStaleMark(isStale: boolean) {
  useEffect(() => {
    document.documentElement.toggleAttribute("data-stale", isStale);
    return () => document.documentElement.removeAttribute("data-stale");
  }, [isStale]);
}

/** When it was so: the oldest of what is shown, whose parts are asked for one by one. */
function AsOf() {
  const now = useNow();
  const shown = useQueryClient().getQueryCache().findAll({ type: "active", predicate: mayChange });
  const at = Math.min(...shown.map(({ state }) => state.dataUpdatedAt).filter((time) => time > 0));
  return at === Infinity ? (
    "as it was"
  ) : (
    <>
      as of <span className="whitespace-nowrap">{clock(at, now)}</span>
    </>
  );
}

/** What only an upgrade or a set-up changes is no older for having been asked for long ago. */
function mayChange({ queryKey: [what] }: { queryKey: readonly unknown[] }): boolean {
  return what !== "onboarding" && what !== "health";
}

function Banner({ icon: Icon, action, children }: { icon: LucideIcon; action?: ReactNode; children: ReactNode }) {
  return (
    <div role="alert" className="sticky top-0 z-10 flex flex-wrap items-center gap-3 bg-warn-tint px-4 py-2.5 text-sm text-warn max-md:top-16 sm:px-6 lg:px-8">
      <Icon aria-hidden className="size-4 shrink-0" />
      <p className="flex-1 basis-56">{children}</p>
      {action}
    </div>
  );
}
