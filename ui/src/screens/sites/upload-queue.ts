import { ApiError, sentence } from "@/api/error";
import type { ApiAnswer } from "@/platform/platform";
import { Unreachable } from "@/platform/platform";

import type { NewUpload, UploadItem, UploadState, UploadView } from "./upload-view";

/** What the server takes of one file; larger ones are refused before they are sent. */
export const MAX_FILE_BYTES = 50 * 1024 * 1024;
/** Requests at the same time. The server has four places for whoever uploads: enough for two windows. */
const PARALLEL = 2;
/**
 * Small files of one folder go together: a site of a thousand files is then a few dozen requests
 * and as many lines of the audit log. A file above the limit goes alone.
 */
const BATCH_FILES = 40;
const BATCH_BYTES = 2 * 1024 * 1024;
/** Between the starts of two requests, so that a thousand folders stay below the server's limit. */
const GAP_MS = 125;
/** How long to wait when the server can't be reached, and how often in a row. */
const RECONNECT_MS = 5000;
const RECONNECTS = 12;
/** How long to wait when the server is busy and names no time. */
const BUSY_SECONDS = 5;

/** Sends files to one folder. It must not resolve after its signal was aborted. */
export type SendFiles = (
  folder: string,
  files: File[],
  onProgress: (share: number) => void,
  signal: AbortSignal,
) => Promise<ApiAnswer>;

interface Entry extends UploadItem {
  readonly file: File;
  /** It was in a batch that was refused: alone, the refusal says which file is meant. */
  readonly alone: boolean;
}

interface Flight {
  ids: number[];
  abort: AbortController;
}

/**
 * The files on their way into one site: a few requests at a time, small files together, refused
 * ones apart. It has no timer of its own but `wait`, and knows nothing of the page that shows it.
 */
export class UploadQueue {
  readonly #send: SendFiles;
  readonly #wait: (milliseconds: number) => Promise<void>;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  readonly #flights = new Set<Flight>();
  #entries = new Map<number, Entry>();
  #view: UploadView = { items: [], pause: null };
  #nextId = 1;
  #notBefore = 0;
  #waking = false;
  #lost = 0;

  constructor(
    send: SendFiles,
    wait = (milliseconds: number) => new Promise<void>((done) => setTimeout(done, milliseconds)),
    now = () => Date.now(),
  ) {
    this.#send = send;
    this.#wait = wait;
    this.#now = now;
  }

  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly view = () => this.#view;

  add(files: readonly NewUpload[]) {
    for (const { file, folder } of files) {
      const id = this.#nextId++;
      const tooLarge = file.size > MAX_FILE_BYTES;
      this.#entries.set(id, {
        id,
        file,
        folder,
        name: file.name,
        size: file.size,
        state: tooLarge ? "failed" : "waiting",
        share: 0,
        problem: tooLarge ? "Larger than 50 MiB, which is the most that one file may have." : undefined,
        alone: false,
      });
    }
    this.#changed();
    this.#pump();
  }

  /** Takes a file back, also while it is sent; the others of its batch are sent anew. */
  cancel(id: number) {
    const entry = this.#entries.get(id);
    if (entry?.state === "waiting") this.#set([id], { state: "cancelled" });
    if (entry?.state === "sending") {
      const flight = [...this.#flights].find(({ ids }) => ids.includes(id));
      this.#set(flight?.ids ?? [id], { state: "waiting", share: 0 });
      this.#set([id], { state: "cancelled", share: 0 });
      flight?.abort.abort();
    }
    this.#changed();
  }

  cancelAll() {
    for (const { id, state } of this.#entries.values()) {
      if (state === "waiting" || state === "sending") this.#set([id], { state: "cancelled", share: 0 });
    }
    for (const { abort } of this.#flights) abort.abort();
    this.#changed();
  }

  /** Tries failed and cancelled files once more: one of them, or all that failed. */
  retry(id?: number) {
    for (const entry of this.#entries.values()) {
      const meant = id === undefined ? entry.state === "failed" : entry.id === id;
      if (meant && entry.size <= MAX_FILE_BYTES && (entry.state === "failed" || entry.state === "cancelled")) {
        this.#set([entry.id], { state: "waiting", share: 0, problem: undefined });
      }
    }
    this.#lost = 0;
    this.#changed();
    this.#pump();
  }

  /** Forgets what is over. */
  clear() {
    this.#entries = new Map([...this.#entries].filter(([, { state }]) => state === "waiting" || state === "sending"));
    this.#view = { ...this.#view, warning: undefined };
    this.#changed();
  }

  /** Starts what may start now, and comes back when more may. */
  #pump() {
    if (this.#waking || this.#flights.size >= PARALLEL || !this.#hasWaiting()) return;
    const pause = this.#notBefore - this.#now();
    if (pause > 0) {
      this.#waking = true;
      void this.#wait(pause).then(() => {
        this.#waking = false;
        if (this.#notBefore <= this.#now()) this.#pauseFor(null);
        this.#pump();
      });
      return;
    }
    this.#notBefore = this.#now() + GAP_MS;
    void this.#fly(this.#nextBatch());
    this.#pump();
  }

  #hasWaiting() {
    return [...this.#entries.values()].some(({ state }) => state === "waiting");
  }

  #nextBatch(): Entry[] {
    const batch: Entry[] = [];
    let octets = 0;
    for (const entry of this.#entries.values()) {
      if (entry.state !== "waiting") continue;
      const first = batch[0];
      if (first && (entry.alone || entry.folder !== first.folder)) continue;
      octets += entry.size;
      if (first && octets > BATCH_BYTES) break;
      batch.push(entry);
      if (entry.alone || batch.length === BATCH_FILES) break;
    }
    return batch;
  }

  async #fly(batch: Entry[]) {
    const flight: Flight = { ids: batch.map(({ id }) => id), abort: new AbortController() };
    this.#flights.add(flight);
    this.#set(flight.ids, { state: "sending", share: 0 });
    this.#changed();
    const files = batch.map(({ file }) => file);
    const folder = batch[0]?.folder ?? ".";
    const progress = (share: number) => this.#progress(batch, share);
    try {
      this.#answered(batch, await this.#send(folder, files, progress, flight.abort.signal));
    } catch (error) {
      if (!flight.abort.signal.aborted) this.#unanswered(batch, error);
    } finally {
      this.#flights.delete(flight);
      this.#changed();
      this.#pump();
    }
  }

  /** A body carries its files one after the other, so the octets sent say how far each has come. */
  #progress(batch: Entry[], share: number) {
    let sent = share * batch.reduce((octets, { size }) => octets + size, 0);
    for (const { id, size } of batch) {
      this.#set([id], { share: size === 0 ? share : Math.min(1, Math.max(0, sent / size)) }, "sending");
      sent -= size;
    }
    this.#changed();
  }

  #answered(batch: Entry[], answer: ApiAnswer) {
    const ids = batch.map(({ id }) => id);
    this.#lost = 0;
    if (answer.status < 400) {
      this.#set(ids, { state: "done", share: 1 }, "sending");
      const warning = warningOf(answer.body);
      if (warning) this.#view = { ...this.#view, warning };
      return;
    }
    const error = ApiError.of(answer);
    if (error.status === 429 || error.status === 503) {
      this.#set(ids, { state: "waiting", share: 0 }, "sending");
      this.#pauseFor(error.status === 429 ? "rate" : "busy", (error.retryAfter ?? BUSY_SECONDS) * 1000);
    } else if (batch.length > 1) {
      this.#set(ids, { state: "waiting", share: 0, alone: true }, "sending");
    } else {
      this.#set(ids, { state: "failed", problem: sentence(error) }, "sending");
    }
  }

  #unanswered(batch: Entry[], error: unknown) {
    const ids = batch.map(({ id }) => id);
    if (error instanceof Unreachable && this.#lost < RECONNECTS) {
      // Requests that were lost together are one loss.
      if (this.#view.pause?.reason !== "lost") this.#lost += 1;
      this.#set(ids, { state: "waiting", share: 0 }, "sending");
      this.#pauseFor("lost", RECONNECT_MS);
    } else {
      this.#set(ids, { state: "failed", problem: sentence(error) }, "sending");
    }
  }

  #pauseFor(reason: "rate" | "busy" | "lost" | null, milliseconds = 0) {
    if (reason) this.#notBefore = Math.max(this.#notBefore, this.#now() + milliseconds);
    this.#view = { ...this.#view, pause: reason && { reason, until: this.#notBefore } };
    this.#changed();
  }

  /** @param only changes nothing else: a cancelled file stays so, whatever is heard of it later */
  #set(ids: number[], change: Partial<Entry>, only?: UploadState) {
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry && (!only || entry.state === only)) this.#entries.set(id, { ...entry, ...change });
    }
  }

  #changed() {
    this.#view = { ...this.#view, items: [...this.#entries.values()] };
    for (const listener of this.#listeners) listener();
  }
}

function warningOf(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("warning" in body)) return undefined;
  return typeof body.warning === "string" ? body.warning : undefined;
}
