import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, useLayoutEffect, useRef, useState, type CSSProperties, type ReactNode } from "react";

import { cn } from "@/lib/cn";

/** From so many rows on, only those in sight are in the page. */
const VIRTUAL_FROM = 60;
/** What a row is taken to be high until it was measured. */
const ROW_HEIGHT = 57;

export interface Column<T> {
  header: string;
  /** The track of the column in a CSS grid, such as `2fr` or `8rem`. */
  width: string;
  cell: (row: T) => ReactNode;
  /** On a phone, where a row becomes a card: its head, plain (the value only), or left out. */
  phone?: "title" | "plain" | "hidden";
  align?: "end";
}

interface DataListProps<T> {
  /** What the rows are, for screen readers. */
  label: string;
  rows: readonly T[];
  rowKey: (row: T) => string;
  columns: Column<T>[];
  /** Shown when there are no rows. */
  empty: ReactNode;
}

/** A table where there is room, cards on a phone; a thousand rows scroll as ten do. */
export function DataList<T>(props: DataListProps<T>) {
  const { label, rows, columns, empty } = props;
  if (rows.length === 0) return empty;
  const grid = { "--grid": columns.map(({ width }) => track(width)).join(" ") } as CSSProperties;
  return (
    <div role="table" aria-label={label} aria-rowcount={rows.length + 1} className="text-sm" style={grid}>
      <div role="rowgroup" className="max-md:sr-only">
        <div role="row" className="grid grid-cols-(--grid) gap-4 border-b border-line px-5 py-2.5 text-xs font-medium text-soft">
          {columns.map(({ header, align }) => (
            <span key={header} role="columnheader" className={cn(align === "end" && "text-right")}>
              {header}
            </span>
          ))}
        </div>
      </div>
      {rows.length < VIRTUAL_FROM ? (
        <div role="rowgroup">
          {rows.map((row, index) => (
            <Row key={props.rowKey(row)} row={row} index={index} columns={columns} isLast={index === rows.length - 1} />
          ))}
        </div>
      ) : (
        <VirtualRows {...props} />
      )}
    </div>
  );
}

/** Content never widens a column: long names wrap instead. */
function track(width: string): string {
  return width.endsWith("fr") ? `minmax(0,${width})` : width;
}

function VirtualRows<T>({ rows, rowKey, columns }: DataListProps<T>) {
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const measure = () => setTop((list.current?.getBoundingClientRect().top ?? 0) + window.scrollY);
    measure();
    // What stands above may grow or go, and the page with it.
    const watch = new ResizeObserver(measure);
    watch.observe(document.body);
    return () => watch.disconnect();
  }, []);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
    scrollMargin: top,
    getItemKey: (index) => rowKey(rows[index] as T),
  });
  return (
    <div ref={list} role="rowgroup" className="relative" style={{ height: virtual.getTotalSize() }}>
      {virtual.getVirtualItems().map((item) => (
        <div
          key={item.key}
          role="presentation"
          ref={virtual.measureElement}
          data-index={item.index}
          className="absolute inset-x-0 top-0"
          style={{ transform: `translateY(${item.start - top}px)` }}
        >
          <Row row={rows[item.index] as T} index={item.index} columns={columns} isLast={item.index === rows.length - 1} />
        </div>
      ))}
    </div>
  );
}

/** Scrolling moves rows, it does not change them: those that stay in sight are not made anew. */
const Row = memo(RowOf) as typeof RowOf;

interface RowProps<T> {
  row: T;
  index: number;
  columns: Column<T>[];
  /** The card's own edge is below it. */
  isLast: boolean;
}

function RowOf<T>({ row, index, columns, isLast }: RowProps<T>) {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={cn(
        "flex flex-wrap items-center gap-x-4 gap-y-1.5 border-line px-4 py-3 md:grid md:min-h-14 md:grid-cols-(--grid) md:px-5 md:py-2",
        !isLast && "border-b",
      )}
    >
      {columns.map(({ header, cell, phone, align }) => (
        <div
          key={header}
          role="cell"
          className={cn(
            "min-w-0 wrap-anywhere",
            align === "end" && "ml-auto flex justify-end gap-1",
            phone === "title" && "max-md:w-full",
            phone === "hidden" && "max-md:hidden",
          )}
        >
          {phone === undefined && align !== "end" && <span className="mr-1.5 text-soft md:hidden">{header}</span>}
          {cell(row)}
        </div>
      ))}
    </div>
  );
}
