import { ChevronRight } from "lucide-react";
import { Link } from "react-router";

import type { Site } from "@/api/schema";

import { crumbs } from "./rules";

/** Where in the site one is, and the way up. */
export function Breadcrumbs({ site, path }: { site: Site; path: string }) {
  const steps = [{ name: site.name, path: "." }, ...crumbs(path)];
  return (
    <nav aria-label="Folder" className="min-w-0">
      <ol className="flex flex-wrap items-center gap-1 text-sm">
        {steps.map((step, index) => (
          <li key={step.path} className="flex min-w-0 items-center gap-1">
            {index > 0 && <ChevronRight aria-hidden className="size-4 shrink-0 text-soft" />}
            {index === steps.length - 1 ? (
              <span aria-current="page" className="font-medium wrap-anywhere">
                {step.name}
              </span>
            ) : (
              <Link to={folderLink(step.path)} className="text-accent underline-offset-4 wrap-anywhere hover:underline pointer-coarse:py-2.5">
                {step.name}
              </Link>
            )}
          </li>
        ))}
      </ol>
    </nav>
  );
}

/** The address of a folder in the panel, relative to the page of its site. */
export function folderLink(path: string): string {
  return path === "." ? "?" : `?${new URLSearchParams({ path })}`;
}
