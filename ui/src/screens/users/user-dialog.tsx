import { useQueryClient } from "@tanstack/react-query";
import { useForm } from "react-hook-form";

import { useApi } from "@/api/context";
import type { User } from "@/api/schema";
import { Dialog } from "@/components/dialog";
import { TextField } from "@/components/field";
import { FormEnd } from "@/components/form-end";
import { useToast } from "@/components/toast-context";
import { useSubmit } from "@/lib/use-submit";

import { list, passwordProblem, REFUSALS, usernameProblem } from "./rules";
import { EmailField, GroupsField, UsernameField } from "./shared-fields";

interface UserDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** Edits this one; without it, adds one. */
  user?: User;
}

export function UserDialog({ open, onOpenChange, user }: UserDialogProps) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={user ? `Edit ${user.username}` : "Add user"}
      lead={
        user
          ? "A new password signs them out everywhere."
          : "You choose the password and hand it over. With an invitation, they choose it themselves."
      }
    >
      <UserForm user={user} onDone={() => onOpenChange(false)} />
    </Dialog>
  );
}

function UserForm({ user, onDone }: { user: User | undefined; onDone: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  const form = useForm({
    defaultValues: {
      username: user?.username ?? "",
      displayname: user?.displayname ?? "",
      email: user?.email ?? "",
      groups: user?.groups.join(", ") ?? "",
      password: "",
    },
  });
  const { errors } = form.formState;
  const { submit, problem, busy } = useSubmit(form, async ({ username, password, ...rest }) => {
    const body = { ...rest, groups: list(rest.groups) };
    if (user) {
      const change = password ? { ...body, password } : body;
      await api.put("/api/users/{username}", { path: { username }, body: change });
    } else {
      await api.post("/api/users", { body: { ...body, username, password } });
    }
    await cache.invalidateQueries({ queryKey: ["users"] });
    toast.done(user ? `${username} was changed.` : `${username} was added.`);
    onDone();
  }, REFUSALS);
  return (
    <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-4">
      <UsernameField
        hint={user ? "The name can’t be changed." : "Small letters, digits, - and _."}
        readOnly={user !== undefined}
        error={errors.username?.message}
        {...form.register("username", { validate: usernameProblem })}
      />
      <TextField
        label="Name"
        error={errors.displayname?.message}
        {...form.register("displayname", { required: "Enter the name that is shown." })}
      />
      <EmailField error={errors.email?.message} {...form.register("email", { required: "Enter an address." })} />
      <GroupsField error={errors.groups?.message} {...form.register("groups")} />
      <TextField
        label={user ? "New password" : "Password"}
        type="password"
        autoComplete="new-password"
        hint={user ? "Leave it empty to keep the password." : "8 characters at least, 72 bytes at most."}
        error={errors.password?.message}
        {...form.register("password", { validate: (value) => passwordProblem(value, user !== undefined) })}
      />
      <FormEnd action={user ? "Save" : "Add user"} busy={busy} problem={problem} onCancel={onDone} />
    </form>
  );
}
