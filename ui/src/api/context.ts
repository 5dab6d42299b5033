import { createContext, useContext } from "react";

import type { Api } from "./client";

export const ApiContext = createContext<Api | null>(null);

/** The API of the server that this window manages. */
export function useApi(): Api {
  const api = useContext(ApiContext);
  if (!api) throw new Error("no Api above this component");
  return api;
}
