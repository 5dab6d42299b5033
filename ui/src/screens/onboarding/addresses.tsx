import { ExternalLink } from "lucide-react";
import type { ReactNode } from "react";

import type { OnboardingState, ProvisionResult } from "@/api/schema";
import { Card, CardBody, CardHeader, Fact, Facts } from "@/components/card";
import { publicAddress } from "@/lib/public-address";
import { usePlatform } from "@/platform/context";

import { bareAddress } from "./steps";

interface AddressesProps {
  server: OnboardingState;
  result: ProvisionResult | undefined;
}

/** Where what is, also once the result is forgotten. */
export function Addresses({ server, result }: AddressesProps) {
  const platform = usePlatform();
  const bare = bareAddress(platform.addressOf("/"), server);
  return (
    <Card>
      <CardHeader title="Addresses" lead="Worth a bookmark each." />
      <CardBody>
        <Facts>
          <Fact name="This panel">
            <Address of={result?.panelUrl ?? publicAddress(`panel.${server.domain}`, server.httpsPort)}>With the certificate you use now.</Address>
          </Fact>
          <Fact name="Sign-in page">
            <Address of={result?.authUrl ?? publicAddress(`auth.${server.domain}`, server.httpsPort)}>Where people sign in, with password and one-time code.</Address>
          </Fact>
          <Fact name="Without a domain">
            <Address of={bare}>
              The panel by the bare address. It stays open for your certificate when DNS or the domain fail; the browser warns
              there, because this server issued that certificate itself.
            </Address>
          </Fact>
        </Facts>
      </CardBody>
    </Card>
  );
}

function Address({ of, children }: { of: string; children: ReactNode }) {
  return (
    <>
      <a href={of} target="_blank" rel="noreferrer" className="inline-flex items-center gap-1.5 font-medium text-accent underline-offset-4 hover:underline">
        {of}
        <ExternalLink aria-hidden className="size-3.5 shrink-0" />
        <span className="sr-only">(new window)</span>
      </a>
      <p className="text-soft">{children}</p>
    </>
  );
}
