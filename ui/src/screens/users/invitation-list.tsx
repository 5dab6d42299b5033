import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { MailQuestion, Trash2 } from "lucide-react";
import { useState } from "react";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { Invitation, InvitationStatus } from "@/api/schema";
import { Badge, type Tone } from "@/components/badge";
import { Button } from "@/components/button";
import { Card } from "@/components/card";
import { DataList } from "@/components/data-list";
import { Confirm } from "@/components/dialog";
import { QueryView, State } from "@/components/page-state";
import { Ago } from "@/components/time";
import { useToast } from "@/components/toast-context";

const TONES: Record<InvitationStatus, Tone> = { pending: "accent", accepted: "good", expired: "neutral" };

export function InvitationList() {
  const api = useApi();
  const [leaving, setLeaving] = useState<Invitation | null>(null);
  return (
    <QueryView query={useQuery(queries.invitations(api))}>
      {({ invitations }) => (
        <Card>
          <DataList
            label="Invitations"
            rows={invitations.toReversed()}
            rowKey={(invitation) => invitation.id}
            empty={
              <State icon={MailQuestion} title="No invitations">
                An invitation is a link with which somebody makes their own account here.
              </State>
            }
            columns={[
              {
                header: "For",
                width: "3fr",
                phone: "title",
                cell: ({ username, email }) => (
                  <>
                    <p className="font-medium">{username}</p>
                    <p className="text-soft">{email}</p>
                  </>
                ),
              },
              { header: "Status", width: "7rem", phone: "plain", cell: ({ status }) => <Badge tone={TONES[status]}>{status}</Badge> },
              { header: "Made", width: "2fr", cell: ({ createdAt }) => <Ago time={createdAt} /> },
              { header: "Ends", width: "2fr", cell: ({ expiresAt, used }) => (used ? "–" : <Ago time={expiresAt} />) },
              {
                header: "Actions",
                width: "3.5rem",
                align: "end",
                cell: (invitation) => (
                  <Button
                    variant="ghost"
                    size="icon"
                    aria-label={`${verb(invitation)} the invitation of ${invitation.username}`}
                    onClick={() => setLeaving(invitation)}
                  >
                    <Trash2 aria-hidden />
                  </Button>
                ),
              },
            ]}
          />
          {leaving && <RemoveInvitation invitation={leaving} onClose={() => setLeaving(null)} />}
        </Card>
      )}
    </QueryView>
  );
}

function verb({ status }: Invitation) {
  return status === "pending" ? "Revoke" : "Remove";
}

function RemoveInvitation({ invitation, onClose }: { invitation: Invitation; onClose: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  const removal = useMutation({
    mutationFn: () => api.delete("/api/invitations/{id}", { path: { id: invitation.id } }),
    onSuccess: () => {
      toast.done(`The invitation of ${invitation.username} is gone.`);
      return cache.invalidateQueries({ queryKey: ["invitations"] });
    },
  });
  return (
    <Confirm
      open
      onOpenChange={onClose}
      title={`${verb(invitation)} the invitation of ${invitation.username}?`}
      action={`${verb(invitation)} invitation`}
      onConfirm={removal.mutateAsync}
    >
      {invitation.status === "pending"
        ? "The link stops working at once."
        : "Only this record goes; an account that was made with it stays."}
    </Confirm>
  );
}
