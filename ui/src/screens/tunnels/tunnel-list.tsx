import { Cable, Copy, ExternalLink, Info, Pencil, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";

import { asSentence } from "@/api/error";
import type { Tunnel } from "@/api/schema";
import { Badge } from "@/components/badge";
import { Card } from "@/components/card";
import { DataList, type Column } from "@/components/data-list";
import { Switch } from "@/components/field";
import { Filter } from "@/components/filter";
import { Menu, MenuItem, MenuLink } from "@/components/menu";
import { State } from "@/components/page-state";
import { Ago } from "@/components/time";
import { useToast } from "@/components/toast-context";
import { Words } from "@/components/words";
import { bytes, plural } from "@/lib/format";
import { usePublicAddress } from "@/lib/public-address";
import { usePlatform } from "@/platform/context";

import { matches } from "./rules";
import { accessOf, isDown, statusOf } from "./status";
import { useToggle } from "./use-toggle";

export type Deed = "show" | "edit" | "delete";

interface TunnelListProps {
  tunnels: Tunnel[];
  onDeed: (deed: Deed, tunnel: Tunnel) => void;
}

export function TunnelList({ tunnels, onDeed }: TunnelListProps) {
  const addressOf = usePublicAddress();
  const toggle = useToggle();
  const [filter, setFilter] = useState("");
  const [onlyDown, setOnlyDown] = useState(false);
  const rows = useMemo(
    () => tunnels.filter((tunnel) => matches(tunnel, filter) && (!onlyDown || isDown(tunnel))),
    [tunnels, filter, onlyDown],
  );
  const down = tunnels.filter(isDown).length;
  const columns: Column<Tunnel>[] = [
    { header: "Address", width: "3fr", phone: "title", cell: (tunnel) => <Address tunnel={tunnel} address={addressOf(tunnel.fqdn)} /> },
    {
      header: "Status",
      width: "3fr",
      phone: "title",
      cell: (tunnel) => <Status tunnel={tunnel} onShow={() => onDeed("show", tunnel)} />,
    },
    { header: "Leads to", width: "2fr", cell: (tunnel) => <Target tunnel={tunnel} /> },
    { header: "Visitors", width: "8rem", phone: "plain", cell: (tunnel) => <Access tunnel={tunnel} /> },
    { header: "Traffic", width: "7rem", phone: "plain", cell: ({ traffic }) => traffic && <Counters {...traffic} /> },
    {
      header: "On",
      width: "5.5rem",
      align: "end",
      cell: (tunnel) => (
        <span className="flex items-center gap-2">
          <Switch
            label={`${tunnel.fqdn} is on`}
            checked={tunnel.enabled}
            onChange={(enabled) => toggle(tunnel, enabled)}
          />
          <Actions tunnel={tunnel} address={addressOf(tunnel.fqdn)} onDeed={onDeed} />
        </span>
      ),
    },
  ];
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
        <Filter label="Find a tunnel" value={filter} onChange={setFilter} />
        {(down > 0 || onlyDown) && (
          <label className="flex items-center gap-2 text-sm pointer-coarse:min-h-11">
            <input
              type="checkbox"
              checked={onlyDown}
              onChange={(event) => setOnlyDown(event.target.checked)}
              className="size-4.5 accent-accent"
            />
            Only those that do not serve ({down})
          </label>
        )}
      </div>
      <Card>
        <DataList
          label="Tunnels"
          rows={rows}
          rowKey={(tunnel) => tunnel.id}
          empty={<State icon={Cable} title={onlyDown ? "All tunnels serve" : "No tunnel fits"} />}
          columns={columns}
        />
      </Card>
    </div>
  );
}

function Address({ tunnel, address }: { tunnel: Tunnel; address: string }) {
  return (
    <>
      <a
        href={address}
        target="_blank"
        rel="noreferrer"
        className="font-medium text-accent underline-offset-4 hover:underline"
      >
        {tunnel.fqdn}
      </a>
      {tunnel.description && <p className="line-clamp-2 text-soft">{tunnel.description}</p>}
    </>
  );
}

/** A button, because the badge alone never says what to do. */
function Status({ tunnel, onShow }: { tunnel: Tunnel; onShow: () => void }) {
  const { label, tone } = statusOf(tunnel);
  return (
    <>
      <span className="flex flex-wrap items-center gap-x-2">
        <button type="button" onClick={onShow} aria-label={`${label}: details of ${tunnel.fqdn}`} className="rounded-full">
          <Badge tone={tone} dot>
            {label}
          </Badge>
        </button>
        {tunnel.statusSince && (
          <span className="text-xs text-soft">
            <Ago time={tunnel.statusSince} />
          </span>
        )}
      </span>
      {isDown(tunnel) && tunnel.statusDetail && (
        <p className="line-clamp-2 text-soft">
          <Words>{asSentence(tunnel.statusDetail)}</Words>
        </p>
      )}
    </>
  );
}

function Target({ tunnel }: { tunnel: Tunnel }) {
  return (
    <>
      <span className="md:block">{tunnel.agentLabel ?? "no agent yet"} </span>
      <span className="text-soft">port {tunnel.port}</span>
    </>
  );
}

function Access({ tunnel }: { tunnel: Tunnel }) {
  const { label, tone } = accessOf(tunnel);
  return <Badge tone={tone}>{label}</Badge>;
}

function Counters({ requests, bytesIn, bytesOut }: NonNullable<Tunnel["traffic"]>) {
  return (
    <span className="text-xs tabular-nums">
      {plural(requests, "request")}
      <span className="ml-2 text-soft md:ml-0 md:block">
        ↓ {bytes(bytesIn)} <span className="sr-only">in,</span> ↑ {bytes(bytesOut)} <span className="sr-only">out</span>
      </span>
    </span>
  );
}

function Actions({ tunnel, address, onDeed }: { tunnel: Tunnel; address: string; onDeed: TunnelListProps["onDeed"] }) {
  const platform = usePlatform();
  const toast = useToast();
  const copy = () => {
    platform.copyText(address).then(
      () => toast.done("The address was copied."),
      () => toast.show({ text: `The address could not be copied: ${address}`, bad: true }),
    );
  };
  return (
    <Menu label={`Actions for ${tunnel.fqdn}`}>
      <MenuItem icon={Info} onSelect={() => onDeed("show", tunnel)}>
        Show details
      </MenuItem>
      <MenuLink icon={ExternalLink} href={address}>
        Open
      </MenuLink>
      <MenuItem icon={Copy} onSelect={copy}>
        Copy address
      </MenuItem>
      <MenuItem icon={Pencil} onSelect={() => onDeed("edit", tunnel)}>
        Edit
      </MenuItem>
      <MenuItem icon={Trash2} danger onSelect={() => onDeed("delete", tunnel)}>
        Delete
      </MenuItem>
    </Menu>
  );
}
