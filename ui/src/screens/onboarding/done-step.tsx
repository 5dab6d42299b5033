import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowRight } from "lucide-react";
import { useState } from "react";

import { useApi } from "@/api/context";
import { ApiError, sentence } from "@/api/error";
import type { OnboardingState } from "@/api/schema";
import { Button } from "@/components/button";
import { Notice } from "@/components/notice";
import { Failure, SkeletonRows } from "@/components/page-state";
import { Words } from "@/components/words";

import { Addresses } from "./addresses";
import { FirstUser, Forgotten } from "./first-user";
import { StepTitle } from "./shell";

/** What the admin is told at the end; it stays on the page until they go on. */
export function DoneStep({ server, onDone }: { server: OnboardingState; onDone: () => void }) {
  const api = useApi();
  // The state of a later moment may not name it any more, while the page still shows what it was about.
  const [until] = useState(server.resultUntil ?? null);
  const told = useQuery({
    queryKey: ["first-user"],
    queryFn: ({ signal }) => api.get("/api/onboarding/result", { signal }),
    // Read once: what is shown must not vanish when the server forgets it.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  // What was read stays, also when it is asked for again and is gone by then.
  const isGone = !told.data && told.error instanceof ApiError && told.error.status === 410;
  return (
    <>
      <StepTitle title={`${server.domain ?? "The server"} is in service`}>
        <p>Certificates are issued and renew themselves. What comes next: connect a machine and make a tunnel to it.</p>
      </StepTitle>
      {told.data && <FirstUser result={told.data} until={until} />}
      {isGone && <Forgotten />}
      {!told.data && !isGone && (told.error ? <Failure error={told.error} onRetry={() => void told.refetch()} /> : <SkeletonRows rows={5} />)}
      <Addresses server={server} result={told.data} />
      <GoOn hasSecrets={Boolean(told.data?.adminPassword ?? told.data?.adminTotpUri)} onDone={onDone} />
    </>
  );
}

function GoOn({ hasSecrets, onDone }: { hasSecrets: boolean; onDone: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const leave = useMutation({
    mutationFn: async () => {
      await api.post("/api/onboarding/acknowledge").catch(ignoreGone);
      await cache.invalidateQueries({ queryKey: ["onboarding"] });
    },
    onSuccess: onDone,
  });
  return (
    <>
      {leave.error && (
        <Notice tone="bad" urgent>
          <Words>{sentence(leave.error)}</Words>
        </Notice>
      )}
      <div className="flex justify-end">
        <Button variant="primary" busy={leave.isPending} onClick={() => leave.mutate()}>
          {hasSecrets ? "I have both: open the dashboard" : "Open the dashboard"} {!leave.isPending && <ArrowRight aria-hidden />}
        </Button>
      </div>
    </>
  );
}

/** That there is nothing left to forget is as good. */
function ignoreGone(error: unknown) {
  if (!(error instanceof ApiError && error.status === 410)) throw error;
}
