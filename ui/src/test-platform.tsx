import { QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactElement } from "react";
import { createMemoryRouter, RouterProvider } from "react-router";

import { Api } from "@/api/client";
import { ApiContext } from "@/api/context";
import type { OnboardingState } from "@/api/schema";
import { makeQueryClient } from "@/app/query-client";
import { ToastProvider } from "@/components/toast";
import { PlatformContext } from "@/platform/context";
import {
  Unreachable,
  type ApiAnswer,
  type ApiRequest,
  type Platform,
  type Socket,
  type SocketEvents,
  type Upload,
} from "@/platform/platform";

/** What a route answers: a body with status 200, a whole answer, or a function of the request. */
export type Scripted = unknown | ((request: ApiRequest) => unknown);

/** Answers by `METHOD /path`, such as `GET /api/users`; the query is not part of it. */
export type Answers = Record<string, Scripted>;

/** A server in service at the usual ports. */
export const SERVER: OnboardingState = {
  status: "COMPLETED",
  domain: "lab.example.org",
  ip: "198.51.100.7",
  httpsPort: 443,
  panelPort: 9292,
};

/** A refusal as the server words it. */
export function refused(status: number, error: string, details?: unknown): WholeAnswer {
  return new WholeAnswer({ status, body: { error, details } });
}

/** Where the server is away. */
export function unreachable(): never {
  throw new Unreachable();
}

class WholeAnswer {
  constructor(readonly answer: ApiAnswer) {}
}

/** A window without a server: answers from a map, and remembers what was asked of it. */
export class TestPlatform implements Platform {
  readonly requests: ApiRequest[] = [];
  readonly uploads: Upload[] = [];
  readonly sockets: TestSocket[] = [];
  readonly downloads: { path: string; fileName: string }[] = [];
  readonly saved: { fileName: string; text: string }[] = [];
  readonly savedBytes: { fileName: string; bytes: Uint8Array }[] = [];
  readonly copied: string[] = [];
  /** May be changed while a screen is shown. */
  answers: Answers;

  constructor(answers: Answers = {}) {
    this.answers = answers;
  }

  async request(request: ApiRequest): Promise<ApiAnswer> {
    this.requests.push(request);
    return this.#answer(request);
  }

  async upload(upload: Upload): Promise<ApiAnswer> {
    this.uploads.push(upload);
    return this.#answer({ method: "POST", path: upload.path });
  }

  openSocket(path: string, events: SocketEvents): Socket {
    const socket = new TestSocket(path, events);
    this.sockets.push(socket);
    return socket;
  }

  async download(path: string, fileName: string): Promise<void> {
    this.downloads.push({ path, fileName });
  }

  async saveText(fileName: string, text: string): Promise<void> {
    this.saved.push({ fileName, text });
  }

  async saveBytes(fileName: string, bytes: Uint8Array): Promise<void> {
    this.savedBytes.push({ fileName, bytes });
  }

  async copyText(text: string): Promise<void> {
    this.copied.push(text);
  }

  addressOf(path: string): string {
    return new URL(path, "https://panel.example.com").href;
  }

  /** The bodies sent so far with a method to a path. */
  sent(method: ApiRequest["method"], path: string): unknown[] {
    return this.requests.filter((request) => request.method === method && request.path === path).map(({ body }) => body);
  }

  async #answer(request: ApiRequest): Promise<ApiAnswer> {
    const key = `${request.method} ${request.path.split("?")[0]}`;
    const scripted = this.answers[key];
    const answer = typeof scripted === "function" ? await scripted(request) : scripted;
    if (answer instanceof WholeAnswer) return answer.answer;
    if (answer === undefined) return { status: 404, body: { error: `the test has no answer to ${key}` } };
    return { status: 200, body: answer };
  }
}

/** A WebSocket whose far end is the test. Call its methods inside `act`. */
export class TestSocket implements Socket {
  /** Whether the screen closed it. */
  closed = false;
  readonly path: string;
  readonly #events: SocketEvents;

  constructor(path: string, events: SocketEvents) {
    this.path = path;
    this.#events = events;
  }

  open() {
    if (!this.closed) this.#events.onOpen();
  }

  /** Text goes as it is, everything else as JSON. */
  send(message: unknown) {
    if (!this.closed) this.#events.onMessage(typeof message === "string" ? message : JSON.stringify(message));
  }

  end() {
    if (!this.closed) this.#events.onEnd();
    this.closed = true;
  }

  close() {
    this.closed = true;
  }
}

interface ScreenOptions {
  answers?: Answers;
  /** The address at which it is shown; `/` without one. */
  at?: string;
  platform?: TestPlatform;
}

/** Shows a screen with everything that stands above it in the real window. */
export function renderScreen(element: ReactElement, { answers, at = "/", platform }: ScreenOptions = {}) {
  const window = platform ?? new TestPlatform(answers);
  const router = createMemoryRouter([{ path: "*", element }], { initialEntries: [at] });
  const shown = render(
    <PlatformContext value={window}>
      <ApiContext value={new Api(window)}>
        <QueryClientProvider client={makeQueryClient()}>
          <ToastProvider>
            <RouterProvider router={router} />
          </ToastProvider>
        </QueryClientProvider>
      </ApiContext>
    </PlatformContext>,
  );
  return { ...shown, platform: window, router };
}
