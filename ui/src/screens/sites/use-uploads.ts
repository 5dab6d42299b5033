import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";

import { address } from "@/api/client";
import { usePlatform } from "@/platform/context";
import type { Platform } from "@/platform/platform";

import { UploadQueue } from "./upload-queue";
import type { UploadView } from "./upload-view";

/** Folders are read anew while files arrive, but not for every one of them. */
const REFRESH_MS = 1500;

/** Queues outlive the page that shows them: an upload goes on while one looks at other pages. */
const queues = new WeakMap<Platform, Map<string, UploadQueue>>();

export function useUploads(site: string): [UploadView, UploadQueue] {
  const platform = usePlatform();
  const cache = useQueryClient();
  const queue = queueOf(platform, cache, site);
  return [useSyncExternalStore(queue.subscribe, queue.view), queue];
}

function queueOf(platform: Platform, cache: QueryClient, site: string): UploadQueue {
  let ofPlatform = queues.get(platform);
  if (!ofPlatform) queues.set(platform, (ofPlatform = new Map()));
  let queue = ofPlatform.get(site);
  if (!queue) ofPlatform.set(site, (queue = makeQueue(platform, cache, site)));
  return queue;
}

function makeQueue(platform: Platform, cache: QueryClient, site: string): UploadQueue {
  const refresh = seldom(() => void cache.invalidateQueries({ queryKey: ["sites"] }));
  const queue = new UploadQueue(async (folder, files, onProgress, signal) => {
    const path = address("/api/sites/{id}/files", { id: site }, { path: folder });
    const answer = await platform.upload({ path, files, onProgress, signal });
    refresh();
    return answer;
  });
  queue.subscribe(() => {
    const busy = queue.view().items.some(({ state }) => state === "waiting" || state === "sending");
    window[busy ? "addEventListener" : "removeEventListener"]("beforeunload", askToStay);
  });
  return queue;
}

/** Leaving the panel altogether would end the uploads, so the browser asks first. */
function askToStay(event: BeforeUnloadEvent) {
  event.preventDefault();
}

/** Calls at once or a little later, whatever is asked meanwhile. */
function seldom(call: () => void): () => void {
  let planned = false;
  return () => {
    if (planned) return;
    planned = true;
    setTimeout(() => {
      planned = false;
      call();
    }, REFRESH_MS);
  };
}
