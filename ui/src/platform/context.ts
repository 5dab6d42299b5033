import { createContext, useContext } from "react";

import type { Platform } from "./platform";

export const PlatformContext = createContext<Platform | null>(null);

/** The window that shows this screen. */
export function usePlatform(): Platform {
  const platform = useContext(PlatformContext);
  if (!platform) throw new Error("no Platform above this component");
  return platform;
}
