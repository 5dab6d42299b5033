import { ApiError } from "@/api/error";

import {
  Unreachable,
  type ApiAnswer,
  type ApiRequest,
  type Platform,
  type Socket,
  type SocketEvents,
  type Upload,
} from "./platform";

/** Answers that take longer are given up; the longest wait at the server is 60 s for an authority. */
const ANSWER_TIMEOUT_MS = 90_000;

/** Without this header the server takes no multipart body (a foreign page can't set it). */
const UPLOAD_HEADER = "x-portlama-upload";

/** The panel in a browser: the origin that served the page is the server. */
export class HttpPlatform implements Platform {
  async request({ method, path, body, signal }: ApiRequest): Promise<ApiAnswer> {
    const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const init: RequestInit = {
      method,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      headers: { accept: "application/json" },
    };
    if (body !== undefined) {
      init.headers = { ...init.headers, "content-type": "application/json" };
      init.body = JSON.stringify(body);
    }
    try {
      const answer = await fetch(path, init);
      const text = await answer.text();
      return {
        status: answer.status,
        body: json(text),
        retryAfter: seconds(answer.headers.get("retry-after")),
      };
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Unreachable(error);
    }
  }

  // `fetch` tells nobody how far an upload has come; the older interface does.
  upload({ path, files, onProgress, signal }: Upload): Promise<ApiAnswer> {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", path);
      request.setRequestHeader(UPLOAD_HEADER, "1");
      request.upload.onprogress = (event) => {
        if (event.lengthComputable) onProgress(event.loaded / event.total);
      };
      request.onload = () => {
        resolve({
          status: request.status,
          body: json(request.responseText),
          retryAfter: seconds(request.getResponseHeader("retry-after")),
        });
      };
      request.onerror = () => reject(new Unreachable());
      request.onabort = () => reject(signal.reason);
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener("abort", () => request.abort(), { once: true });
      const form = new FormData();
      for (const file of files) form.append("file", file, file.name);
      request.send(form);
    });
  }

  openSocket(path: string, events: SocketEvents): Socket {
    const socket = new WebSocket(path);
    let ended = false;
    const end = () => {
      if (ended) return;
      ended = true;
      events.onEnd();
    };
    socket.onopen = () => events.onOpen();
    socket.onmessage = (message) => {
      if (typeof message.data === "string" && !ended) events.onMessage(message.data);
    };
    socket.onclose = end;
    socket.onerror = end;
    return {
      close() {
        ended = true;
        socket.close();
      },
    };
  }

  async download(path: string, fileName: string): Promise<void> {
    let answer: Response;
    try {
      answer = await fetch(path);
    } catch (error) {
      throw new Unreachable(error);
    }
    if (!answer.ok) {
      throw ApiError.of({ status: answer.status, body: json(await answer.text()) });
    }
    save(fileName, await answer.blob());
  }

  saveText(fileName: string, text: string): Promise<void> {
    save(fileName, new Blob([text], { type: "text/plain" }));
    return Promise.resolve();
  }

  saveBytes(fileName: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    save(fileName, new Blob([bytes], { type: "application/octet-stream" }));
    return Promise.resolve();
  }

  copyText(text: string): Promise<void> {
    return navigator.clipboard.writeText(text);
  }

  addressOf(path: string): string {
    return new URL(path, window.location.origin).href;
  }
}

function save(fileName: string, content: Blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = fileName;
  link.click();
  // The browser has begun to read by the next turn; until the page ends would be a leak.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function seconds(header: string | null): number | undefined {
  return header !== null && /^\d+$/.test(header) ? Number(header) : undefined;
}
