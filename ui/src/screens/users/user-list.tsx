import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Pencil, Trash2, UsersRound } from "lucide-react";
import { useState } from "react";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { User } from "@/api/schema";
import { Badge } from "@/components/badge";
import { Card } from "@/components/card";
import { DataList } from "@/components/data-list";
import { Confirm } from "@/components/dialog";
import { Filter } from "@/components/filter";
import { Menu, MenuItem } from "@/components/menu";
import { QueryView, State } from "@/components/page-state";
import { useToast } from "@/components/toast-context";

import { TotpDialog } from "./totp-dialog";
import { UserDialog } from "./user-dialog";

type Deed = { kind: "edit" | "reset" | "delete"; user: User };

export function UserList() {
  const api = useApi();
  const [filter, setFilter] = useState("");
  const [deed, setDeed] = useState<Deed | null>(null);
  return (
    <QueryView query={useQuery(queries.users(api))}>
      {({ users }) => (
        <div className="flex flex-col gap-3">
          <Filter label="Find a user" value={filter} onChange={setFilter} />
          <Card>
            <DataList
              label="Users"
              rows={users.filter((user) => matches(user, filter))}
              rowKey={(user) => user.username}
              empty={<State icon={UsersRound} title="Nobody has this name" />}
              columns={[
                {
                  header: "User",
                  width: "3fr",
                  phone: "title",
                  cell: (user) => (
                    <>
                      <p className="font-medium">{user.displayname}</p>
                      <p className="text-soft">{user.username}</p>
                    </>
                  ),
                },
                { header: "E-mail", width: "3fr", phone: "plain", cell: (user) => user.email },
                { header: "Groups", width: "2fr", phone: "plain", cell: (user) => <Groups groups={user.groups} /> },
                {
                  header: "Actions",
                  width: "3.5rem",
                  align: "end",
                  cell: (user) => (
                    <Menu label={`Actions for ${user.username}`}>
                      <MenuItem icon={Pencil} onSelect={() => setDeed({ kind: "edit", user })}>
                        Edit
                      </MenuItem>
                      <MenuItem icon={KeyRound} onSelect={() => setDeed({ kind: "reset", user })}>
                        Reset one-time codes
                      </MenuItem>
                      {/* The last user can't go: nobody could sign in any more. */}
                      <MenuItem
                        icon={Trash2}
                        danger
                        disabled={users.length === 1}
                        onSelect={() => setDeed({ kind: "delete", user })}
                      >
                        Delete
                      </MenuItem>
                    </Menu>
                  ),
                },
              ]}
            />
          </Card>
          {deed?.kind === "edit" && <UserDialog open user={deed.user} onOpenChange={() => setDeed(null)} />}
          {deed?.kind === "reset" && <TotpDialog user={deed.user} onClose={() => setDeed(null)} />}
          {deed?.kind === "delete" && <DeleteUser user={deed.user} onClose={() => setDeed(null)} />}
        </div>
      )}
    </QueryView>
  );
}

function Groups({ groups }: { groups: string[] }) {
  return (
    <span className="flex flex-wrap gap-1">
      {groups.map((group) => (
        <Badge key={group}>{group}</Badge>
      ))}
    </span>
  );
}

function DeleteUser({ user, onClose }: { user: User; onClose: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  const deletion = useMutation({
    mutationFn: () => api.delete("/api/users/{username}", { path: { username: user.username } }),
    onSuccess: () => {
      toast.done(`${user.username} was deleted.`);
      return cache.invalidateQueries({ queryKey: ["users"] });
    },
  });
  return (
    <Confirm
      open
      onOpenChange={onClose}
      title={`Delete ${user.username}?`}
      action="Delete user"
      onConfirm={deletion.mutateAsync}
    >
      They are signed out everywhere at once and can’t sign in again. This can’t be undone; inviting them makes a new
      account.
    </Confirm>
  );
}

export function matches(user: User, filter: string): boolean {
  const wanted = filter.trim().toLowerCase();
  return [user.username, user.displayname, user.email, ...user.groups].some((text) => text.toLowerCase().includes(wanted));
}
