import { cva, type VariantProps } from "class-variance-authority";
import { LoaderCircle } from "lucide-react";
import { Slot } from "radix-ui";
import type { ComponentProps } from "react";

import { cn } from "@/lib/cn";

const look = cva(
  "inline-flex shrink-0 items-center justify-center gap-2 rounded-lg font-medium whitespace-nowrap transition-colors select-none disabled:opacity-55 aria-disabled:opacity-55 [&_svg]:size-4 [&_svg]:shrink-0",
  {
    variants: {
      variant: {
        primary: "bg-accent text-accent-ink hover:opacity-90",
        secondary: "border border-line bg-surface hover:bg-sunken",
        ghost: "hover:bg-sunken",
        danger: "bg-bad text-bad-ink hover:opacity-90",
        link: "text-accent underline-offset-4 hover:underline",
      },
      size: {
        // 36 px is what a mouse likes; a finger gets 44 px.
        md: "h-9 px-3.5 pointer-coarse:h-11",
        sm: "h-8 px-2.5 text-sm pointer-coarse:h-11",
        icon: "size-9 pointer-coarse:size-11",
        inline: "h-auto p-0",
      },
    },
    defaultVariants: { variant: "secondary", size: "md" },
  },
);

export interface ButtonProps extends ComponentProps<"button">, VariantProps<typeof look> {
  /** Renders the child (a link) with the look of a button. */
  asChild?: boolean;
  /** Work is under way: shows it, and takes no second click. */
  busy?: boolean;
}

/** An icon alone needs an `aria-label`. */
export function Button({ variant, size, asChild, busy, className, children, disabled, ...rest }: ButtonProps) {
  const classes = cn(look({ variant, size }), className);
  if (asChild) {
    return (
      <Slot.Root className={classes} {...rest}>
        {children}
      </Slot.Root>
    );
  }
  return (
    <button type="button" className={classes} disabled={disabled || busy} aria-busy={busy || undefined} {...rest}>
      {busy && <LoaderCircle className="animate-spin" aria-hidden />}
      {children}
    </button>
  );
}
