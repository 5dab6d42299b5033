import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowRight, RefreshCw } from "lucide-react";
import { useEffect } from "react";

import { useApi } from "@/api/context";
import { ApiError, sentence, asSentence } from "@/api/error";
import type { DnsCheck, OnboardingState } from "@/api/schema";
import { Button } from "@/components/button";
import { Card, CardHeader } from "@/components/card";
import { Notice } from "@/components/notice";
import { Skeleton } from "@/components/page-state";
import { Words } from "@/components/words";

import { DnsFindings } from "./dns-findings";
import { DnsRecords } from "./dns-records";
import { isAllWell, mayGoOn } from "./records";
import { StepTitle } from "./shell";
import { mayChangeDomain } from "./steps";

/** How long after one look the next is taken while the page is visible, milliseconds. */
const LOOK_EVERY_MS = 5000;

export function DnsStep({ server, onBack }: { server: OnboardingState; onBack: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const domain = server.domain ?? "";
  const look = useLook(domain);
  const begin = useMutation({
    mutationFn: () => api.post("/api/onboarding/provision"),
    onSettled: () => cache.invalidateQueries({ queryKey: ["onboarding"] }),
  });
  return (
    <>
      <StepTitle title="Point the domain here">
        <p>
          Create these records where your DNS is managed. The server looks for them by itself every few seconds, so this page can
          stay open meanwhile. New records mostly show within minutes.
        </p>
      </StepTitle>
      <DnsRecords domain={domain} ip={server.ip} check={look.data} />
      <Card>
        <CardHeader
          title="What the server sees"
          actions={
            <Button size="sm" busy={look.isFetching} onClick={() => void look.refetch()}>
              {!look.isFetching && <RefreshCw aria-hidden />} Look now
            </Button>
          }
        />
        <div className="px-4 pb-4 sm:px-5" role="status">
          <Verdict check={look.data} error={look.error} />
        </div>
        {look.data && <DnsFindings check={look.data} />}
      </Card>
      {begin.error && (
        <Notice tone="bad" urgent>
          <Words>{sentence(begin.error)}</Words>
        </Notice>
      )}
      <div className="flex flex-wrap items-center justify-end gap-2">
        {mayChangeDomain(server) ? (
          <Button onClick={onBack}>Back</Button>
        ) : (
          <p className="mr-auto text-sm text-soft">The domain leads here, so it is fixed for this server now.</p>
        )}
        <Button variant="primary" disabled={!mayGoOn(look.data)} busy={begin.isPending} onClick={() => begin.mutate()}>
          Set up {domain} {!begin.isPending && <ArrowRight aria-hidden />}
        </Button>
      </div>
    </>
  );
}

/** Looks again and again until every name leads here; a hidden window rests. */
function useLook(domain: string) {
  const api = useApi();
  const cache = useQueryClient();
  const look = useQuery({
    queryKey: ["dns", domain],
    // It changes no more than how far the set-up has come, so it may be repeated like a reading.
    queryFn: ({ signal }) => api.post("/api/onboarding/verify-dns", { signal }),
    refetchInterval: ({ state }) => (isAllWell(state.data) ? false : LOOK_EVERY_MS),
    retry: false,
  });
  const isHere = look.data?.ok;
  const isElsewhere = look.error instanceof ApiError && look.error.status === 409;
  useEffect(() => {
    // The server went on: by this look, or because another window did.
    if (isHere || isElsewhere) void cache.invalidateQueries({ queryKey: ["onboarding"] });
  }, [isHere, isElsewhere, cache]);
  return look;
}

function Verdict({ check, error }: { check: DnsCheck | undefined; error: unknown }) {
  if (!check) {
    return error ? <Notice tone="bad"><Words>{sentence(error)}</Words></Notice> : <Skeleton className="h-11" />;
  }
  const wrong = check.names.filter(({ ok }) => !ok);
  // The message tells of the domain and of the rest; a name with a wrong record of its own it may not.
  const unsaid = check.ok && check.wildcardOk ? wrong : [];
  return (
    <Notice tone={isAllWell(check) ? "good" : "warn"}>
      <p>
        <Words>{asSentence(check.message)}</Words>
      </p>
      {unsaid.map(({ name, message }) => (
        <p key={name}>
          <Words>{asSentence(message)}</Words>
        </p>
      ))}
    </Notice>
  );
}
