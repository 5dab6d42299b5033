import { useQuery } from "@tanstack/react-query";
import { FileUp, FolderUp, RefreshCw } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useSearchParams } from "react-router";

import { useApi } from "@/api/context";
import { ApiError } from "@/api/error";
import { queries } from "@/api/queries";
import type { Site } from "@/api/schema";
import { Button } from "@/components/button";
import { Card } from "@/components/card";
import { Notice } from "@/components/notice";
import { QueryView } from "@/components/page-state";
import { useToast } from "@/components/toast-context";
import { cn } from "@/lib/cn";
import { plural } from "@/lib/format";

import { Breadcrumbs } from "./breadcrumbs";
import { MAX_CHOSEN_FILES, readDropped, readFiles, siteFolder, type Chosen } from "./dropped";
import { FileList } from "./file-list";
import { FolderQuestion } from "./folder-question";
import { UploadPanel } from "./upload-panel";
import type { NewUpload } from "./upload-view";
import { useDropZone } from "./use-drop-zone";
import { useUploads } from "./use-uploads";

/** The files of a site: a folder at a time, with files and folders dropped into it. */
export function FileBrowser({ site }: { site: Site }) {
  const api = useApi();
  const toast = useToast();
  const [search, setSearch] = useSearchParams();
  const [view, uploads] = useUploads(site.id);
  const [leftOut, setLeftOut] = useState<Chosen | null>(null);
  const [asked, setAsked] = useState<{ name: string; files: NewUpload[] } | null>(null);
  const folder = search.get("path") || ".";
  const query = useQuery(queries.siteFiles(api, site.id, folder));

  // A folder goes with the last file in it: on to the nearest that is still there.
  const isGone = query.error instanceof ApiError && [400, 404].includes(query.error.status);
  useEffect(() => {
    if (!isGone || folder === ".") return;
    const above = folder.split("/").slice(0, -1).join("/");
    setSearch(above ? { path: above } : {}, { replace: true });
  }, [isGone, folder, setSearch]);

  const take = (chosen: Chosen) => {
    setLeftOut(chosen.hidden > 0 || chosen.tooMany ? chosen : null);
    const name = siteFolder(chosen.files, folder);
    if (name) setAsked({ name, files: chosen.files });
    else uploads.add(chosen.files);
  };
  const { isOver, zone } = useDropZone((transfer) => {
    readDropped(transfer, folder).then(take, (error: unknown) => toast.failed(error));
  });
  return (
    <div className="flex flex-col gap-4" {...zone}>
      <div className="flex flex-wrap items-center justify-between gap-3">
        <Breadcrumbs site={site} path={folder} />
        <div className="flex flex-wrap gap-2">
          <Button variant="ghost" size="icon" aria-label="Refresh list" title="Refresh list" onClick={() => void query.refetch()}>
            <RefreshCw aria-hidden className={cn(query.isFetching && "animate-spin")} />
          </Button>
          <Picker label="Upload folder" folders onFiles={(files) => take(readFiles(files, folder))} />
          <Picker label="Upload files" onFiles={(files) => take(readFiles(files, folder))} />
        </div>
      </div>
      {leftOut && <LeftOut chosen={leftOut} />}
      {asked && (
        <FolderQuestion {...asked} site={site} onAnswer={(files) => uploads.add(files)} onClose={() => setAsked(null)} />
      )}
      <UploadPanel view={view} queue={uploads} />
      <Card className={cn("relative min-h-48", isOver && "outline-2 outline-offset-2 outline-accent")}>
        <QueryView query={query}>{(listing) => <FileList site={site} folder={folder} listing={listing} />}</QueryView>
        {isOver && (
          <p className="pointer-events-none absolute inset-0 grid place-items-center rounded-xl bg-accent-tint/90 p-4 text-center font-medium text-accent">
            Drop files and folders to upload them into {folder === "." ? site.name : folder}
          </p>
        )}
      </Card>
      <p className="text-sm text-soft">
        Drop files or whole folders here. A file has at most 50 MiB, and one of the same name is replaced. Visitors get{" "}
        <code>index.html</code> of a folder.
      </p>
    </div>
  );
}

/** An attribute that every browser knows and React's types don't. */
const WHOLE_FOLDERS = { webkitdirectory: "" };

/** The system's own window for choosing files, behind a button. */
function Picker({ label, folders, onFiles }: { label: string; folders?: boolean; onFiles: (files: File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const Icon = folders ? FolderUp : FileUp;
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={label}
        {...(folders && WHOLE_FOLDERS)}
        onChange={({ currentTarget }) => {
          onFiles([...(currentTarget.files ?? [])]);
          // The same file may be chosen once more.
          currentTarget.value = "";
        }}
      />
      <Button variant={folders ? "secondary" : "primary"} onClick={() => input.current?.click()}>
        <Icon aria-hidden /> {label}
      </Button>
    </>
  );
}

function LeftOut({ chosen: { files, hidden, tooMany } }: { chosen: Chosen }) {
  return (
    <Notice tone="warn">
      {hidden > 0 && (
        <p>
          {plural(hidden, "name that begins", "names that begin")} with a dot {hidden === 1 ? "was" : "were"} left out: such
          files are no part of a site.
        </p>
      )}
      {tooMany && (
        <p>
          Only the first {files.length.toLocaleString()} files were taken, because {MAX_CHOSEN_FILES.toLocaleString()} are
          the most at once. Upload the others folder by folder.
        </p>
      )}
      {files.length === 0 && <p>Nothing was left to upload.</p>}
    </Notice>
  );
}
