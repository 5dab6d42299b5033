import { Ellipsis, type LucideIcon } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { ReactNode } from "react";

import { cn } from "@/lib/cn";

import { Button } from "./button";

/** The further things one can do with a row. */
export function Menu({ label, children }: { label: string; children: ReactNode }) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <Button variant="ghost" size="icon" aria-label={label}>
          <Ellipsis aria-hidden />
        </Button>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="end"
          sideOffset={4}
          className="z-30 min-w-44 rounded-lg border border-line bg-surface p-1 shadow-raised"
        >
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

const ITEM = cn(
  "flex min-h-9 items-center gap-2.5 rounded-md px-2.5 text-sm outline-none pointer-coarse:min-h-11",
  "cursor-pointer data-disabled:cursor-default data-disabled:opacity-50 data-highlighted:bg-sunken",
);

interface ItemProps {
  icon?: LucideIcon;
  danger?: boolean;
  disabled?: boolean;
  onSelect: () => void;
  children: ReactNode;
}

export function MenuItem({ icon: Icon, danger, disabled = false, onSelect, children }: ItemProps) {
  return (
    <DropdownMenu.Item
      disabled={disabled}
      onSelect={onSelect}
      className={cn(ITEM, danger && "text-bad")}
    >
      {Icon && <Icon aria-hidden className="size-4" />}
      {children}
    </DropdownMenu.Item>
  );
}

/** An item that opens an address in a window of its own. */
export function MenuLink({ icon: Icon, href, children }: { icon?: LucideIcon; href: string; children: ReactNode }) {
  return (
    <DropdownMenu.Item asChild className={ITEM}>
      <a href={href} target="_blank" rel="noreferrer">
        {Icon && <Icon aria-hidden className="size-4" />}
        {children}
      </a>
    </DropdownMenu.Item>
  );
}
