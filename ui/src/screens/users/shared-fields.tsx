import type { ComponentProps } from "react";

import { TextField } from "@/components/field";

type Props = Omit<ComponentProps<typeof TextField>, "label">;

/** Fields that users and invitations share. Spread `register("name")` of a form into them. */
export function UsernameField(props: Props) {
  return <TextField label="Username" autoCapitalize="none" spellCheck={false} {...props} />;
}

export function EmailField(props: Props) {
  return <TextField label="E-mail" type="email" {...props} />;
}

export function GroupsField(props: Props) {
  return <TextField label="Groups" hint="Separated by commas. Apps are told them." {...props} />;
}
