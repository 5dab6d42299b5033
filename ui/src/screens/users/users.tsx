import { useQuery } from "@tanstack/react-query";
import { MailPlus, UserPlus } from "lucide-react";
import { useState } from "react";
import { useSearchParams } from "react-router";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { Button } from "@/components/button";
import { Page } from "@/components/page";
import { Tabs } from "@/components/tabs";

import { InvitationDialog } from "./invitation-dialog";
import { InvitationList } from "./invitation-list";
import { UserDialog } from "./user-dialog";
import { UserList } from "./user-list";

export function Component() {
  const api = useApi();
  const [search, setSearch] = useSearchParams();
  const [dialog, setDialog] = useState<"user" | "invitation" | null>(null);
  const users = useQuery(queries.users(api)).data?.users.length;
  const open = useQuery(queries.invitations(api)).data?.invitations.filter(({ status }) => status === "pending").length;
  const close = (open: boolean) => !open && setDialog(null);
  return (
    <Page
      title="Users"
      lead="People who may sign in to the apps and sites behind this server. They have no access to this panel."
      actions={
        <>
          <Button onClick={() => setDialog("user")}>
            <UserPlus aria-hidden /> Add user
          </Button>
          <Button variant="primary" onClick={() => setDialog("invitation")}>
            <MailPlus aria-hidden /> Invite
          </Button>
        </>
      }
    >
      <Tabs
        label="Users and invitations"
        value={search.get("tab") ?? "users"}
        onChange={(tab) => setSearch(tab === "users" ? {} : { tab }, { replace: true })}
        tabs={[
          { value: "users", label: `Users ${users ?? ""}`, content: <UserList /> },
          { value: "invitations", label: `Invitations ${open || ""}`, content: <InvitationList /> },
        ]}
      />
      <UserDialog open={dialog === "user"} onOpenChange={close} />
      <InvitationDialog open={dialog === "invitation"} onOpenChange={close} />
    </Page>
  );
}
