import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { Failure, SkeletonRows } from "@/components/page-state";
import { isSetUpDue } from "@/screens/onboarding/steps";

import { Frame } from "./frame";

const Onboarding = lazy(() => import("@/screens/onboarding/onboarding"));

/** Until the first set-up is over, it is all there is; afterwards it is gone. */
export function Gate() {
  const api = useApi();
  const query = useQuery(queries.onboarding(api));
  const [isSettingUp, setIsSettingUp] = useState(false);
  if (query.data === undefined) {
    if (query.error) {
      return <Failure error={query.error} onRetry={() => void query.refetch()} />;
    }
    return <SkeletonRows />;
  }
  // Its last page shows a password: it stays until the admin goes on, whatever the server says by then.
  const isDue = isSetUpDue(query.data);
  if (isDue && !isSettingUp) setIsSettingUp(true);
  if (!isDue && !isSettingUp) return <Frame />;
  return (
    <Suspense fallback={<SkeletonRows />}>
      <Onboarding onDone={() => setIsSettingUp(false)} />
    </Suspense>
  );
}
