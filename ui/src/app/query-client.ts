import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";

import { ApiError } from "@/api/error";
import { Unreachable } from "@/platform/platform";

import { connection } from "@/api/connection";

/** Refusals are final; a lost connection is tried again. */
function retry(failures: number, error: Error): boolean {
  return error instanceof Unreachable ? failures < 2 : error instanceof ApiError && error.status >= 502 && failures < 2;
}

export function makeQueryClient(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: connection.hear,
      onSuccess: connection.answered,
    }),
    mutationCache: new MutationCache({ onError: connection.hear }),
    defaultOptions: {
      // The browser's idea of being online says nothing about a server on the local network.
      queries: { retry, networkMode: "always", staleTime: 2000 },
      mutations: { networkMode: "always" },
    },
  });
}
