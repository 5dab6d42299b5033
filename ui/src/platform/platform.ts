/**
 * What the screens need from the window that shows them. In the browser it is HTTP to the origin
 * that served the panel (`http.ts`); in the desktop app it is the core, which holds the client
 * certificate of the server being managed. Screens know this interface and nothing below it.
 */
export interface Platform {
  /**
   * Asks the panel's API. Resolves with every answer that came, whatever its status.
   * @throws Unreachable when none came.
   */
  request(request: ApiRequest): Promise<ApiAnswer>;

  /**
   * Sends files to a multipart route, in one body. The server takes the name of each and no folder:
   * where they go is the route's to say.
   * @throws Unreachable when no answer came.
   */
  upload(upload: Upload): Promise<ApiAnswer>;

  /** Opens a WebSocket of the API. It is the caller who opens another when this one ends. */
  openSocket(path: string, events: SocketEvents): Socket;

  /** Hands a file of the API, such as a certificate, to the user. */
  download(path: string, fileName: string): Promise<void>;

  /** Hands text that the screen holds to the user as a file. */
  saveText(fileName: string, text: string): Promise<void>;

  /** The same for octets, such as a P12 file that came inside an answer. */
  saveBytes(fileName: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;

  copyText(text: string): Promise<void>;

  /** An address as the user's browser would open it, for links to the API itself. */
  addressOf(path: string): string;
}

export interface ApiRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query, such as `/api/tunnels`. */
  path: string;
  /** Sent as JSON; absent means no body. */
  body?: unknown;
  signal?: AbortSignal | undefined;
}

export interface ApiAnswer {
  status: number;
  /** The body, read as JSON; `undefined` when it was none. */
  body: unknown;
  /** Whole seconds to wait, when the server said so. */
  retryAfter?: number | undefined;
}

export interface Upload {
  path: string;
  files: readonly File[];
  /** From 0 to 1, of the octets sent. */
  onProgress(share: number): void;
  signal: AbortSignal;
}

export interface Socket {
  close(): void;
}

export interface SocketEvents {
  onOpen(): void;
  onMessage(text: string): void;
  /** It ended, or never opened; no event follows. */
  onEnd(): void;
}

/** No answer came: no network, the server is down, or the browser has no certificate any more. */
export class Unreachable extends Error {
  override name = "Unreachable";
  constructor(cause?: unknown) {
    super("The server can't be reached.", { cause });
  }
}
