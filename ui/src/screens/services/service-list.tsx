import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Activity, ScrollText } from "lucide-react";
import { useState } from "react";

import { useApi } from "@/api/context";
import { asSentence } from "@/api/error";
import type { Service, ServiceAction } from "@/api/schema";
import { Badge } from "@/components/badge";
import { Button } from "@/components/button";
import { Card } from "@/components/card";
import { DataList } from "@/components/data-list";
import { Confirm } from "@/components/dialog";
import { State } from "@/components/page-state";
import { useToast } from "@/components/toast-context";
import { Words } from "@/components/words";

import { consequence, purpose, sensible, STATES, VERBS } from "./service-rules";

interface ServiceListProps {
  services: Service[];
  onShowLog: (name: string) => void;
}

export function ServiceList({ services, onShowLog }: ServiceListProps) {
  return (
    <Card>
      <DataList
        label="Services"
        rows={services}
        rowKey={({ name }) => name}
        empty={<State icon={Activity} title="No services" />}
        columns={[
          {
            header: "Service",
            width: "5fr",
            phone: "title",
            cell: (service) => (
              <>
                <p className="font-medium">{service.name}</p>
                <p className="text-soft">{purpose(service)}</p>
              </>
            ),
          },
          { header: "State", width: "4fr", phone: "plain", cell: (service) => <ServiceState service={service} /> },
          { header: "Running for", width: "6.5rem", cell: ({ uptime }) => uptime ?? "–" },
          {
            header: "Actions",
            width: "minmax(17rem,4fr)",
            align: "end",
            cell: (service) => <Actions service={service} onShowLog={onShowLog} />,
          },
        ]}
      />
    </Card>
  );
}

function ServiceState({ service: { status, detail } }: { service: Service }) {
  const { word, tone } = STATES[status];
  return (
    <div className="flex flex-col items-start gap-1">
      <Badge tone={tone} dot>
        {word}
      </Badge>
      {detail && (
        <p className="text-soft">
          <Words>{asSentence(detail)}</Words>
        </p>
      )}
    </div>
  );
}

function Actions({ service, onShowLog }: { service: Service; onShowLog: (name: string) => void }) {
  const [asking, setAsking] = useState<ServiceAction | null>(null);
  const act = useAction(service);
  const start = (action: ServiceAction) => {
    if (consequence(service, action)) setAsking(action);
    else act.mutate(action);
  };
  return (
    <div className="flex flex-wrap justify-end gap-1.5">
      {sensible(service).map((action) => (
        <Button
          key={action}
          size="sm"
          aria-label={`${VERBS[action].verb} ${service.name}`}
          busy={act.isPending && act.variables === action}
          disabled={act.isPending}
          onClick={() => start(action)}
        >
          {VERBS[action].verb}
        </Button>
      ))}
      <Button size="sm" variant="ghost" aria-label={`Show the log of ${service.name}`} onClick={() => onShowLog(service.name)}>
        <ScrollText aria-hidden /> Log
      </Button>
      {asking && (
        <Confirm
          open
          onOpenChange={() => setAsking(null)}
          title={`${VERBS[asking].verb} ${service.name}?`}
          action={`${VERBS[asking].verb} ${service.name}`}
          onConfirm={() => act.mutateAsync(asking)}
        >
          {consequence(service, asking)}
        </Confirm>
      )}
    </div>
  );
}

/** Tells the service; a refusal appears in the dialog that asked, or as a toast. */
function useAction(service: Service) {
  const api = useApi();
  const cache = useQueryClient();
  const toast = useToast();
  return useMutation({
    mutationFn: (action: ServiceAction) =>
      api.post("/api/services/{name}/{action}", { path: { name: service.name, action } }),
    onSuccess: (_, action) => toast.done(`${service.name} ${VERBS[action].done}.`),
    onError: (error, action) => {
      if (!consequence(service, action)) toast.failed(error);
    },
    onSettled: () => cache.invalidateQueries({ queryKey: ["services"] }),
  });
}
