import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ExternalLink, File, Folder, FolderOpen, Trash2 } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";

import { useApi } from "@/api/context";
import type { Site, SiteFile, SiteFiles } from "@/api/schema";
import { Button } from "@/components/button";
import { DataList } from "@/components/data-list";
import { Confirm } from "@/components/dialog";
import { Notice } from "@/components/notice";
import { State } from "@/components/page-state";
import { Ago } from "@/components/time";
import { useToast } from "@/components/toast-context";
import { bytes } from "@/lib/format";
import { usePublicAddress } from "@/lib/public-address";

import { folderLink } from "./breadcrumbs";
import { fileAddress } from "./rules";

export function FileList({ site, folder, listing }: { site: Site; folder: string; listing: SiteFiles }) {
  const [leaving, setLeaving] = useState<SiteFile | null>(null);
  const address = usePublicAddress()(site.fqdn);
  const live = site.dnsVerified && site.certIssued;
  const noStart =
    folder === "." && listing.files.length > 0 && !listing.files.some(({ name }) => /^index\.html?$/.test(name));
  return (
    <>
      {listing.truncated && (
        <Notice tone="warn" className="m-4">
          This folder holds more than can be listed: only the first {listing.files.length.toLocaleString()} are shown.
        </Notice>
      )}
      {noStart && (
        <Notice tone="warn" className="m-4">
          There is no <code>index.html</code> here, so visitors of {address} find nothing at its front page. If it
          lies in a folder, upload that folder’s content instead of the folder.
        </Notice>
      )}
      <DataList
        label={`Files of ${site.name}`}
        rows={listing.files}
        rowKey={(file) => file.relativePath}
        empty={
          <State icon={FolderOpen} title={folder === "." ? "No files yet" : "This folder is empty"}>
            Drop the content of a folder here: pages, style sheets, scripts, pictures, fonts.
          </State>
        }
        columns={[
          { header: "Name", width: "5fr", phone: "title", cell: (file) => <Name file={file} /> },
          {
            header: "Size",
            width: "6rem",
            phone: "plain",
            cell: ({ type, size }) => (type === "file" ? bytes(size) : <span className="text-soft">Folder</span>),
          },
          { header: "Changed", width: "8rem", phone: "plain", cell: ({ modifiedAt }) => <Ago time={modifiedAt} /> },
          {
            header: "Actions",
            width: "6rem",
            align: "end",
            cell: (file) => (
              <>
                {live && file.type === "file" && (
                  <Button asChild variant="ghost" size="icon">
                    <a
                      href={fileAddress(address, file.relativePath)}
                      target="_blank"
                      rel="noreferrer"
                      aria-label={`Open ${file.name} in a new tab`}
                    >
                      <ExternalLink aria-hidden />
                    </a>
                  </Button>
                )}
                <Button variant="ghost" size="icon" aria-label={`Delete ${file.name}`} onClick={() => setLeaving(file)}>
                  <Trash2 aria-hidden />
                </Button>
              </>
            ),
          },
        ]}
      />
      {leaving && <DeleteFile site={site} file={leaving} onClose={() => setLeaving(null)} />}
    </>
  );
}

function Name({ file }: { file: SiteFile }) {
  if (file.type === "file") {
    return (
      <span className="flex items-center gap-2.5">
        <File aria-hidden className="size-4 shrink-0 text-soft" />
        <span className="min-w-0 wrap-anywhere">{file.name}</span>
      </span>
    );
  }
  return (
    <Link
      to={folderLink(file.relativePath)}
      className="flex items-center gap-2.5 font-medium underline-offset-4 hover:text-accent hover:underline pointer-coarse:min-h-9"
    >
      <Folder aria-label="Folder" className="size-4 shrink-0 fill-accent-tint text-accent" />
      <span className="min-w-0 wrap-anywhere">{file.name}</span>
    </Link>
  );
}

function DeleteFile({ site, file, onClose }: { site: Site; file: SiteFile; onClose: () => void }) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  const isFolder = file.type === "directory";
  const deletion = useMutation({
    mutationFn: () =>
      api.delete("/api/sites/{id}/files", { path: { id: site.id }, body: { path: file.relativePath } }),
    onSuccess: () => {
      toast.done(`${file.name} was deleted.`);
      return cache.invalidateQueries({ queryKey: ["sites"] });
    },
  });
  return (
    <Confirm
      open
      onOpenChange={onClose}
      title={`Delete ${file.name}?`}
      action={isFolder ? "Delete folder" : "Delete file"}
      onConfirm={deletion.mutateAsync}
    >
      {isFolder ? "The folder goes with everything in it. " : ""}Visitors can’t open it from now on. The server keeps no copy.
    </Confirm>
  );
}
