import type { ComponentProps } from "react";

import { TextField } from "@/components/field";

import { CODE_DIGITS } from "./code";

/** Where a one-time code is typed. Phones show digits, and may offer the code themselves. */
export function CodeField(props: Omit<ComponentProps<typeof TextField>, "label">) {
  return (
    <TextField
      label="Code from the authenticator app"
      hint="Six digits. They change every 30 seconds."
      inputMode="numeric"
      autoComplete="one-time-code"
      autoFocus
      // Apps show a code in two groups; pasted, it may have the gap.
      maxLength={CODE_DIGITS + 1}
      className="max-w-40 font-mono tracking-widest"
      {...props}
    />
  );
}
