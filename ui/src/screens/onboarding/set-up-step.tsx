import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect } from "react";

import { useApi } from "@/api/context";
import { asSentence, sentence } from "@/api/error";
import type { OnboardingState } from "@/api/schema";
import { Button } from "@/components/button";
import { Card } from "@/components/card";
import { Notice } from "@/components/notice";
import { SkeletonRows } from "@/components/page-state";
import { Progress } from "@/components/progress";
import { Words } from "@/components/words";

import { StepTitle } from "./shell";
import type { Failure } from "./stream";
import { TaskList } from "./task-list";
import { useStream } from "./use-stream";

/** How many tasks the set-up has, until the server says which. */
const USUAL_TASKS = 6;

export function SetUpStep({ server }: { server: OnboardingState }) {
  const api = useApi();
  const cache = useQueryClient();
  const askWhereItStands = useCallback(() => void cache.invalidateQueries({ queryKey: ["onboarding"] }), [cache]);
  const { stream, dispatch, reopen } = useStream(askWhereItStands);
  const { tasks, isRunning, isComplete, link } = stream;
  useEffect(() => {
    if (isComplete) askWhereItStands();
  }, [isComplete, askWhereItStands]);

  const again = useMutation({
    mutationFn: () => {
      // Before the answer: the first news of the run may overtake it.
      dispatch({ kind: "asked" });
      return api.post("/api/onboarding/provision");
    },
    // What really is so comes with a new socket.
    onError: reopen,
  });

  const failure = link === "connecting" ? reported(server) : stream.failure;
  const failedTask = failure && tasks.find(({ id }) => id === failure.task);
  const mayBegin = link !== "connecting" && !isRunning && !isComplete;
  const begin = (
    <Button variant="primary" busy={again.isPending} onClick={() => again.mutate()}>
      {failure ? "Try again" : "Go on with the set-up"}
    </Button>
  );
  const done = tasks.filter(({ status }) => status === "done").length;
  return (
    <>
      <StepTitle title={`Setting up ${server.domain ?? "the server"}`}>
        <p>
          The server does this by itself; the certificates take most of the time. You may close or reload this page and come
          back.
        </p>
      </StepTitle>
      {/* A break that is mended at once is nobody's concern. */}
      {link === "lost" && stream.lostInARow > 1 && (
        <Notice tone="warn" urgent title="The connection to the server was lost">
          A set-up that runs goes on without this page. The page connects again by itself; what stands below may be older.
        </Notice>
      )}
      {failure && (
        <Notice tone="bad" urgent title={failedTask ? `Stopped at “${failedTask.title}”` : "The set-up stopped"}>
          {failedTask ? "The reason and the way on stand at that task, below." : <Words>{asSentence(failure.reason)}</Words>}
        </Notice>
      )}
      {link === "open" && !isRunning && !isComplete && !failure && (
        <Notice tone="warn" title="The set-up does not run">
          The server was probably started again in the middle of it. What was done is kept.
        </Notice>
      )}
      {again.error && (
        <Notice tone="bad" urgent>
          <Words>{sentence(again.error)}</Words>
        </Notice>
      )}
      <Card>
        <div className="px-4 pt-4 sm:px-5">
          <Progress
            share={done / Math.max(1, tasks.length)}
            label={`${done} of ${tasks.length || USUAL_TASKS} tasks are done`}
            tone={failure ? "bad" : "accent"}
          />
        </div>
        {tasks.length > 0 ? <TaskList tasks={tasks} failure={failure} wayOn={mayBegin && begin} /> : <SkeletonRows rows={USUAL_TASKS} />}
      </Card>
      {mayBegin && !failedTask && <div className="flex justify-end">{begin}</div>}
    </>
  );
}

function reported({ error }: OnboardingState): Failure | null {
  return error ? { task: error.task, reason: error.message } : null;
}
