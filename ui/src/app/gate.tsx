import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { useLocation } from "react-router";

import { useApi } from "@/api/context";
import { ApiError } from "@/api/error";
import { queries } from "@/api/queries";
import { Failure, SkeletonRows } from "@/components/page-state";

import { Frame } from "./frame";

const Onboarding = lazy(() => import("@/screens/onboarding/onboarding"));

/** Until the first set-up is over, it is all there is; afterwards it is gone. */
export function Gate() {
  const api = useApi();
  const { pathname } = useLocation();
  const query = useQuery(queries.onboarding(api));
  if (query.data === undefined) {
    if (query.error && !(query.error instanceof ApiError && query.error.status === 401)) {
      return <Failure error={query.error} onRetry={() => void query.refetch()} />;
    }
    return <SkeletonRows />;
  }
  if (query.data.status === "COMPLETED" && pathname !== "/onboarding") return <Frame />;
  return (
    <Suspense fallback={<SkeletonRows />}>
      <Onboarding />
    </Suspense>
  );
}
