import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";

import { useApi } from "@/api/context";
import type { InvitationAnswer } from "@/api/schema";
import { Button } from "@/components/button";
import { CopyLine } from "@/components/copy";
import { Dialog, DialogActions } from "@/components/dialog";
import { SelectField } from "@/components/field";
import { FormEnd } from "@/components/form-end";
import { moment } from "@/lib/format";
import { useSubmit } from "@/lib/use-submit";

import { list, REFUSALS, usernameProblem } from "./rules";
import { EmailField, GroupsField, UsernameField } from "./shared-fields";

export function InvitationDialog({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const [made, setMade] = useState<InvitationAnswer | null>(null);
  const change = (to: boolean) => {
    setMade(null);
    onOpenChange(to);
  };
  return (
    <Dialog
      open={open}
      onOpenChange={change}
      holdsSecret={made !== null}
      title={made ? `Invitation for ${made.invitation.username}` : "Invite somebody"}
      lead={
        made
          ? `Send them this link. It is shown only now, works once, and ends ${moment(made.invitation.expiresAt)}.`
          : "They open a link, choose a password and scan the QR code of their one-time codes."
      }
    >
      {made ? (
        <>
          <CopyLine text={made.inviteUrl ?? made.token} label="Copy link" />
          <DialogActions>
            <Button variant="primary" onClick={() => change(false)}>
              Done
            </Button>
          </DialogActions>
        </>
      ) : (
        <InvitationForm onMade={setMade} onCancel={() => change(false)} />
      )}
    </Dialog>
  );
}

function InvitationForm({ onMade, onCancel }: { onMade: (made: InvitationAnswer) => void; onCancel: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const form = useForm({ defaultValues: { username: "", email: "", groups: "", expiresInDays: "7" } });
  const { errors } = form.formState;
  const { submit, problem, busy } = useSubmit(form, async ({ groups, expiresInDays, ...rest }) => {
    const body = { ...rest, groups: list(groups), expiresInDays: Number(expiresInDays) };
    onMade(await api.post("/api/invitations", { body }));
    await cache.invalidateQueries({ queryKey: ["invitations"] });
  }, REFUSALS);
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-4">
      <UsernameField
        hint="Small letters, digits, - and _. They sign in with it."
        error={errors.username?.message}
        {...form.register("username", { validate: usernameProblem })}
      />
      <EmailField
        hint="Only noted: the server sends no mail."
        error={errors.email?.message}
        {...form.register("email", { required: "Enter an address." })}
      />
      <GroupsField error={errors.groups?.message} {...form.register("groups")} />
      <SelectField label="Holds for" error={errors.expiresInDays?.message} {...form.register("expiresInDays")}>
        <option value="1">1 day</option>
        <option value="3">3 days</option>
        <option value="7">7 days</option>
        <option value="30">30 days</option>
      </SelectField>
      <FormEnd action="Make link" busy={busy} problem={problem} onCancel={onCancel} />
    </form>
  );
}
