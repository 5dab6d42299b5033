/**
 * Where visitors reach a host of this server. They come to the port that also serves
 * `panel.<domain>`; seen from the address with a port of its own for the panel, that is 443.
 *
 * @param panel the address at which the panel itself is open
 */
export function publicAddress(host: string, panel: string): string {
  const { hostname, port } = new URL(panel);
  return `https://${host}${hostname.startsWith("panel.") && port ? `:${port}` : ""}`;
}
