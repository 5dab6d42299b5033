import { useQuery } from "@tanstack/react-query";
import { Cable, Play, Plus } from "lucide-react";
import { useState } from "react";
import { useSearchParams } from "react-router";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { Tunnel } from "@/api/schema";
import { Button } from "@/components/button";
import { Card } from "@/components/card";
import { Page } from "@/components/page";
import { QueryView, State } from "@/components/page-state";
import { EnrollDialog } from "@/screens/agents/enroll-dialog";

import { CreateDialog } from "./create-dialog";
import { DeleteTunnel } from "./delete-tunnel";
import { DetailDialog } from "./detail-dialog";
import { EditDialog } from "./edit-dialog";
import { RunAgent } from "./run-agent";
import { TunnelList, type Deed } from "./tunnel-list";

/** The dialog that is open. */
type Open = { kind: "create" | "run" | "enroll" } | { kind: Deed | "made"; tunnel: Tunnel };

export function Component() {
  const api = useApi();
  const query = useQuery(queries.tunnels(api));
  // Links from other pages may ask for the form: `/tunnels?make`.
  const [search, setSearch] = useSearchParams();
  const [open, show] = useState<Open | null>(() => (search.has("make") ? { kind: "create" } : null));
  const setOpen = (next: Open | null) => {
    if (search.size > 0) setSearch({}, { replace: true });
    show(next);
  };
  const deeds = (
    <>
      <Button onClick={() => setOpen({ kind: "run" })}>
        <Play aria-hidden /> Run an agent
      </Button>
      <Button variant="primary" onClick={() => setOpen({ kind: "create" })}>
        <Plus aria-hidden /> Make tunnel
      </Button>
    </>
  );
  return (
    <Page title="Tunnels" lead="Apps that run at home, each at a host name of this server." actions={deeds}>
      <QueryView query={query}>
        {({ tunnels }) =>
          tunnels.length === 0 ? (
            <Card>
              <State icon={Cable} title="No tunnels yet" action={deeds}>
                A tunnel leads visitors of a host name to an app on a machine of yours, through an agent that runs there.
              </State>
            </Card>
          ) : (
            <TunnelList tunnels={tunnels} onDeed={(kind, tunnel) => setOpen({ kind, tunnel })} />
          )
        }
      </QueryView>
      <OpenDialog open={open} tunnels={query.data?.tunnels ?? []} setOpen={setOpen} />
    </Page>
  );
}

interface OpenDialogProps {
  open: Open | null;
  tunnels: Tunnel[];
  setOpen: (open: Open | null) => void;
}

function OpenDialog({ open, tunnels, setOpen }: OpenDialogProps) {
  const close = () => setOpen(null);
  if (!open) return null;
  switch (open.kind) {
    case "create":
      return <CreateDialog open onOpenChange={close} onMade={(tunnel) => setOpen({ kind: "made", tunnel })} />;
    case "run":
      return <RunAgent onClose={close} onEnroll={() => setOpen({ kind: "enroll" })} />;
    case "enroll":
      return <EnrollDialog open onOpenChange={close} />;
    case "edit":
      return <EditDialog tunnel={open.tunnel} onClose={close} />;
    case "delete":
      return <DeleteTunnel tunnel={open.tunnel} onClose={close} />;
    default: {
      // As it is now, not as it was when the dialog opened.
      const tunnel = tunnels.find(({ id }) => id === open.tunnel.id) ?? open.tunnel;
      return (
        <DetailDialog
          tunnel={tunnel}
          fresh={open.kind === "made"}
          onClose={close}
          onEdit={() => setOpen({ kind: "edit", tunnel })}
          onEnroll={() => setOpen({ kind: "enroll" })}
        />
      );
    }
  }
}
