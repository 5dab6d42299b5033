import type { AccessMode, HostHeader, NewTunnel, OriginScheme, Tunnel, TunnelChange } from "@/api/schema";

/** What the forms of a tunnel hold. */
export interface Values {
  subdomain: string;
  port: string;
  /** Empty: whichever there is. */
  agentLabel: string;
  accessMode: AccessMode;
  description: string;
  originScheme: OriginScheme;
  hostHeader: HostHeader;
  originTlsVerify: boolean;
  allowCrossSite: boolean;
}

export const NEW: Values = {
  subdomain: "",
  port: "",
  agentLabel: "",
  accessMode: "authenticated",
  description: "",
  originScheme: "http",
  hostHeader: "public",
  originTlsVerify: true,
  allowCrossSite: false,
};

export function valuesOf(tunnel: Tunnel): Values {
  return {
    subdomain: tunnel.subdomain,
    port: String(tunnel.port),
    agentLabel: tunnel.agentLabel ?? "",
    accessMode: tunnel.accessMode ?? NEW.accessMode,
    description: tunnel.description ?? "",
    originScheme: tunnel.originScheme ?? NEW.originScheme,
    hostHeader: tunnel.hostHeader ?? NEW.hostHeader,
    originTlsVerify: tunnel.originTlsVerify ?? NEW.originTlsVerify,
    allowCrossSite: tunnel.allowCrossSite ?? NEW.allowCrossSite,
  };
}

export function newTunnel({ port, agentLabel, ...rest }: Values): NewTunnel {
  return { ...rest, port: Number(port), ...(agentLabel && { agentLabel }) };
}

/** What differs and may be changed: a tunnel's name and port are what it is. */
export function changes(before: Values, after: Values): TunnelChange {
  const changed = Object.entries(after).filter(
    ([name, value]) => name !== "subdomain" && name !== "port" && value !== before[name as keyof Values],
  );
  return Object.fromEntries(changed);
}
