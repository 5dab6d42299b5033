import { useIsFetching, useQuery } from "@tanstack/react-query";
import { Menu as MenuIcon, Monitor, Moon, Sun, X } from "lucide-react";
import { Dialog } from "radix-ui";
import { Suspense, useEffect, useRef, useState } from "react";
import { NavLink, Outlet, useLocation } from "react-router";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { Button } from "@/components/button";
import { SkeletonRows } from "@/components/page-state";
import { cn } from "@/lib/cn";
import mark from "@/mark.svg";

import { ConnectionBanner } from "./connection";
import { DESTINATIONS } from "./navigation";
import { useTheme, type Theme } from "./theme";

/** What stands around every page: the way to the others, and whether the server answers. */
export function Frame() {
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  const first = useRef(true);
  // A new page begins at its top, also for whoever reads by ear.
  useEffect(() => {
    if (first.current) first.current = false;
    else main.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [pathname]);
  return (
    <div className="md:grid md:min-h-dvh md:grid-cols-[15rem_minmax(0,1fr)]">
      <a
        href="#main"
        className="sr-only z-50 rounded-lg bg-accent px-4 py-2 text-accent-ink focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to content
      </a>
      <aside className="sticky top-0 hidden h-dvh flex-col border-r border-line bg-surface md:flex">
        <Brand />
        <Navigation />
        <Foot />
      </aside>
      <TopBar />
      <main id="main" ref={main} tabIndex={-1} className="min-w-0 outline-none">
        <ConnectionBanner />
        <Suspense fallback={<SkeletonRows />}>
          <Outlet />
        </Suspense>
      </main>
      <Activity />
    </div>
  );
}

function Brand() {
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

function Navigation({ onNavigate }: { onNavigate?: () => void }) {
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

function Foot() {
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

/** The phone's way to the other pages. */
function TopBar() {
  const [open, setOpen] = useState(false);
  return (
    <header className="sticky top-0 z-20 flex items-center justify-between border-b border-line bg-surface pr-2 md:hidden">
      <Brand />
      <Dialog.Root open={open} onOpenChange={setOpen}>
        <Dialog.Trigger asChild>
          <Button variant="ghost" size="icon" aria-label="Menu">
            <MenuIcon aria-hidden />
          </Button>
        </Dialog.Trigger>
        <Dialog.Portal>
          <Dialog.Overlay className="fixed inset-0 z-40 bg-black/50" />
          <Dialog.Content
            aria-describedby={undefined}
            className="fixed inset-y-0 left-0 z-50 flex w-72 max-w-[85vw] flex-col bg-surface shadow-raised outline-none"
          >
            <Dialog.Title className="sr-only">Menu</Dialog.Title>
            <div className="flex items-center justify-between pr-2">
              <Brand />
              <Dialog.Close asChild>
                <Button variant="ghost" size="icon" aria-label="Close menu">
                  <X aria-hidden />
                </Button>
              </Dialog.Close>
            </div>
            <Navigation onNavigate={() => setOpen(false)} />
            <Foot />
          </Dialog.Content>
        </Dialog.Portal>
      </Dialog.Root>
    </header>
  );
}

/** Lets tests and screenshots wait until nothing is awaited any more. */
function Activity() {
  const fetching = useIsFetching({ predicate: (query) => query.state.data === undefined });
  return <div hidden data-loading={fetching > 0} />;
}
