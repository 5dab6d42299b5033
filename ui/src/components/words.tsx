import { Fragment } from "react";

/** A text of the server, which sets names and commands in backticks as Markdown does. */
export function Words({ children: text }: { children: string }) {
  // A backtick without a second one stands for itself.
  const parts = text.split(/`([^`]+)`/);
  return parts.map((part, index) =>
    index % 2 === 1 ? (
      <code key={index} className="rounded bg-ink/8 px-1 py-px font-mono text-[0.9em] wrap-anywhere">
        {part}
      </code>
    ) : (
      <Fragment key={index}>{part}</Fragment>
    ),
  );
}
