import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { Button } from "@/components/button";
import { SelectField, TextField } from "@/components/field";

import { identityWords, KINDS } from "./words";

export interface AuditFilter {
  identity?: string;
  action?: string;
  target?: string;
}

interface AuditFiltersProps {
  filter: AuditFilter;
  onChange: (filter: AuditFilter) => void;
}

export function AuditFilters({ filter, onChange }: AuditFiltersProps) {
  const identities = useIdentities(filter.identity);
  return (
    <div className="flex flex-wrap items-end gap-3">
      <div className="w-full sm:w-44">
        <SelectField
          label="About"
          value={filter.action ?? ""}
          onChange={({ target }) => onChange({ ...filter, action: target.value })}
        >
          <option value="">Everything</option>
          {KINDS.map(([action, label]) => (
            <option key={action} value={action}>
              {label}
            </option>
          ))}
          {filter.action && !KINDS.some(([action]) => action === filter.action) && <option>{filter.action}</option>}
        </SelectField>
      </div>
      <div className="w-full sm:w-44">
        <SelectField
          label="Made by"
          value={filter.identity ?? ""}
          onChange={({ target }) => onChange({ ...filter, identity: target.value })}
        >
          <option value="">Anybody</option>
          {identities.map((identity) => (
            <option key={identity} value={identity}>
              {identityWords(identity)}
            </option>
          ))}
        </SelectField>
      </div>
      <div className="w-full sm:w-64">
        <TargetField key={filter.target} target={filter.target ?? ""} onChange={(target) => onChange({ ...filter, target })} />
      </div>
      {Object.keys(filter).length > 0 && <Button onClick={() => onChange({})}>Show all</Button>}
    </div>
  );
}

/** How long after the last letter the log is asked. */
const TYPING_MS = 500;

function TargetField({ target, onChange }: { target: string; onChange: (target: string) => void }) {
  const [typed, setTyped] = useState(target);
  useEffect(() => {
    if (typed.trim() === target) return;
    const timer = setTimeout(() => onChange(typed.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  });
  return (
    <TextField
      label="Whole name"
      type="search"
      placeholder="wiki.example.com"
      autoCapitalize="none"
      spellCheck={false}
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
    />
  );
}

/** Who can have made a change: the admin, the server itself, and the agents there are. */
function useIdentities(chosen: string | undefined): string[] {
  const api = useApi();
  const agents = useQuery(queries.agents(api)).data?.agents ?? [];
  const all = ["admin", "local", ...agents.map(({ label }) => `agent:${label}`)];
  return [...new Set(chosen ? [...all, chosen] : all)];
}
