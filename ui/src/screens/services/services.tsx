import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useSearchParams } from "react-router";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { Service } from "@/api/schema";
import { Card, CardHeader } from "@/components/card";
import { Page } from "@/components/page";
import { QueryView, SkeletonRows } from "@/components/page-state";

import { LogView } from "./log-view";
import { ServiceList } from "./service-list";

export function Component() {
  const api = useApi();
  const query = useQuery(queries.services(api));
  return (
    <Page title="Services" lead="The parts of this server and the programs of its machine, how they are, and what they write.">
      <QueryView query={query} loading={<Loading />}>
        {({ services }) => <Services services={services} />}
      </QueryView>
    </Page>
  );
}

/** As high as what comes: eight services and a log. */
function Loading() {
  return (
    <Card>
      <SkeletonRows rows={8} />
    </Card>
  );
}

function Services({ services }: { services: Service[] }) {
  const [search, setSearch] = useSearchParams();
  const log = useRef<HTMLElement>(null);
  const wanted = search.get("log");
  const chosen = services.find(({ name }) => name === wanted)?.name ?? services[0]?.name;
  const isWanted = useRef(wanted !== null);
  // Who came by a link to a log wants to see it: on a phone it stands below all services.
  useEffect(() => {
    if (isWanted.current) log.current?.scrollIntoView({ block: "start" });
  }, []);
  const choose = (name: string) => setSearch({ log: name }, { replace: true });
  const show = (name: string) => {
    choose(name);
    log.current?.scrollIntoView({ behavior: "smooth", block: "start" });
    log.current?.querySelector("select")?.focus({ preventScroll: true });
  };
  return (
    <>
      <ServiceList services={services} onShowLog={show} />
      {chosen && (
        <Card ref={log} aria-label="Live log" className="scroll-mt-20">
          <CardHeader
            title="Live log"
            lead="The last 100 lines, then every new one. The last 1,000 are kept here."
            actions={<ServiceChoice services={services} chosen={chosen} onChoose={choose} />}
          />
          <LogView key={chosen} service={chosen} />
        </Card>
      )}
    </>
  );
}

interface ServiceChoiceProps {
  services: Service[];
  chosen: string;
  onChoose: (name: string) => void;
}

function ServiceChoice({ services, chosen, onChoose }: ServiceChoiceProps) {
  return (
    <select
      aria-label="Service whose log is shown"
      value={chosen}
      onChange={(event) => onChoose(event.target.value)}
      className="h-9 rounded-lg border border-line-strong bg-surface px-2 pointer-coarse:h-11 pointer-coarse:text-base"
    >
      {services.map(({ name }) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}
