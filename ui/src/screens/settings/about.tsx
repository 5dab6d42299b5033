import type { ReactNode } from "react";
import { Link } from "react-router";

import { Card, CardBody, CardHeader, Fact, Facts } from "@/components/card";
import { usePlatform } from "@/platform/context";

const LINK = "font-medium text-accent underline-offset-4 hover:underline";

export function About() {
  const platform = usePlatform();
  return (
    <Card>
      <CardHeader title="About" />
      <CardBody>
        <Facts>
          <Fact name="Guide">
            <Link to="/docs" className={LINK}>
              Read the guide
            </Link>
            <Note>It comes with the server, so it fits its version.</Note>
          </Fact>
          <Fact name="API">
            <a href={platform.addressOf("/api/openapi.json")} target="_blank" rel="noreferrer" className={LINK}>
              Open the API’s description
              <span className="sr-only"> (new window)</span>
            </a>
            <Note>OpenAPI 3.1. Everything that this panel does, a program can do, with the same certificate.</Note>
          </Fact>
          <Fact name="Licence">
            MIT or Apache-2.0, as you choose
            <Note>
              The parts of others in it keep{" "}
              <a href={platform.addressOf("/licences.txt")} target="_blank" rel="noreferrer" className={LINK}>
                their own licences
                <span className="sr-only"> (new window)</span>
              </a>
              .
            </Note>
          </Fact>
        </Facts>
      </CardBody>
    </Card>
  );
}

function Note({ children }: { children: ReactNode }) {
  return <p className="text-soft">{children}</p>;
}
