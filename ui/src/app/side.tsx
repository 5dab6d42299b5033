import { useQuery } from "@tanstack/react-query";
import { Monitor, Moon, Sun } from "lucide-react";
import { NavLink } from "react-router";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { cn } from "@/lib/cn";
import mark from "@/mark.svg";

import { DESTINATIONS } from "./navigation";
import { useTheme, type Theme } from "./theme";

export function Brand() {
  const api = useApi();
  const { data } = useQuery(queries.onboarding(api));
  return (
    <div className="flex h-16 items-center gap-3 px-5">
      <img src={mark} alt="" width={28} height={28} />
      <div className="min-w-0 leading-tight">
        <p className="font-semibold tracking-tight">Portlama</p>
        <p className="h-4 truncate text-xs text-soft">{data?.domain ?? data?.ip}</p>
      </div>
    </div>
  );
}

export function Navigation({ onNavigate }: { onNavigate?: () => void }) {
  return (
    <nav aria-label="Pages" className="flex-1 overflow-y-auto px-3 py-2">
      <ul className="space-y-0.5">
        {DESTINATIONS.map(({ path, label, icon: Icon }) => (
          <li key={path}>
            <NavLink
              to={path}
              end={path === "/"}
              onClick={onNavigate}
              className={({ isActive }) =>
                cn(
                  "flex h-9 items-center gap-3 rounded-lg px-2.5 font-medium pointer-coarse:h-11",
                  isActive ? "bg-accent-tint text-accent" : "text-soft hover:bg-sunken hover:text-ink",
                )
              }
            >
              <Icon aria-hidden className="size-4.5" />
              {label}
            </NavLink>
          </li>
        ))}
      </ul>
    </nav>
  );
}

const THEMES: { theme: Theme; label: string; icon: typeof Sun }[] = [
  { theme: "light", label: "Light", icon: Sun },
  { theme: "system", label: "As the system", icon: Monitor },
  { theme: "dark", label: "Dark", icon: Moon },
];

export function Foot() {
  const api = useApi();
  const { data } = useQuery(queries.health(api));
  const [theme, choose] = useTheme();
  return (
    <div className="flex items-center justify-between border-t border-line px-4 py-2.5 text-xs text-soft">
      <span>{data && `Version ${data.version}`}</span>
      <div role="radiogroup" aria-label="Colours" className="flex">
        {THEMES.map(({ theme: each, label, icon: Icon }) => (
          <button
            key={each}
            type="button"
            role="radio"
            aria-checked={theme === each}
            aria-label={label}
            title={label}
            onClick={() => choose(each)}
            className={cn(
              "grid size-7 place-items-center rounded-md pointer-coarse:size-11",
              theme === each ? "bg-sunken text-ink" : "hover:text-ink",
            )}
          >
            <Icon aria-hidden className="size-4" />
          </button>
        ))}
      </div>
    </div>
  );
}
