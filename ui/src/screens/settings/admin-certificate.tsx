import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { AdminAuthMode } from "@/api/schema";
import { Button } from "@/components/button";
import { Card, CardBody, CardHeader, Fact, Facts } from "@/components/card";
import { QueryView, Skeleton } from "@/components/page-state";

const MODES: Record<AdminAuthMode, { name: string; meaning: string }> = {
  p12: {
    name: "File with password (P12)",
    meaning: "The server made the key. Whoever has the file and its password is the admin.",
  },
  "hardware-bound": {
    name: "Bound to a machine",
    meaning:
      "The key was made on the admin’s own machine and never seen by the server, so there is no file to download and none to steal.",
  },
};

/** How the admin proves who they are; what can be done about it stands on its own page. */
export function AdminCertificate() {
  const api = useApi();
  return (
    <Card>
      <CardHeader
        title="Admin certificate"
        lead="The panel opens to nobody without it."
        actions={
          <Button asChild>
            <Link to="/certificates">Manage certificates</Link>
          </Button>
        }
      />
      <CardBody>
        <QueryView query={useQuery(queries.adminAuth(api))} loading={<Skeleton className="h-16" />}>
          {({ adminAuthMode }) => (
            <Facts>
              <Fact name="Kind">
                <p>{MODES[adminAuthMode].name}</p>
                <p className="text-soft">{MODES[adminAuthMode].meaning}</p>
              </Fact>
            </Facts>
          )}
        </QueryView>
      </CardBody>
    </Card>
  );
}
