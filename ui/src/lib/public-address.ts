import { useQuery } from "@tanstack/react-query";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";

/** What browsers leave out of an address. */
const HTTPS = 443;

/**
 * Where visitors reach a host of this server. Every address that is shown, copied or opened is made
 * here.
 *
 * @param port where they arrive, as the server says it
 */
export function publicAddress(host: string, port: number): string {
  return port === HTTPS ? `https://${host}` : `https://${host}:${port}`;
}

/** The same for the server that is looked at. What stands around all pages has asked for its port already. */
export function usePublicAddress(): (host: string) => string {
  const port = useQuery(queries.onboarding(useApi())).data?.httpsPort ?? HTTPS;
  return (host) => publicAddress(host, port);
}
