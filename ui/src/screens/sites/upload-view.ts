/** What the queue of uploads shows of itself. */

export type UploadState = "waiting" | "sending" | "done" | "failed" | "cancelled";

export interface UploadItem {
  readonly id: number;
  readonly name: string;
  /** The site's folder it goes to; `.` is the root. */
  readonly folder: string;
  readonly size: number;
  readonly state: UploadState;
  /** Octets sent, from 0 to 1. */
  readonly share: number;
  /** Why it failed, in the server's words. */
  readonly problem?: string | undefined;
}

export interface UploadView {
  readonly items: readonly UploadItem[];
  /** Why nothing is sent at the moment. */
  readonly pause: { reason: "rate" | "busy" | "lost"; until: number } | null;
  /** What the server said about the site as a whole: that it is larger than it should be. */
  readonly warning?: string | undefined;
}

export interface NewUpload {
  file: File;
  folder: string;
}

/** How far all of it has come, for one bar and one line. */
export function summary(items: readonly UploadItem[]) {
  const count = (state: UploadState) => items.filter((item) => item.state === state).length;
  const meant = items.filter(({ state }) => state !== "cancelled");
  const all = meant.reduce((octets, { size }) => octets + size, 0);
  const sent = meant.reduce((octets, { size, share, state }) => octets + (state === "failed" ? size : size * share), 0);
  const active = count("waiting") + count("sending");
  return {
    active,
    done: count("done"),
    failed: count("failed"),
    total: meant.length,
    share: all > 0 ? sent / all : active === 0 ? 1 : 0,
  };
}
