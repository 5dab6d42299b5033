import { useIsFetching } from "@tanstack/react-query";
import { Menu as MenuIcon } from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { Outlet, useLocation } from "react-router";

import { Button } from "@/components/button";
import { SkeletonRows } from "@/components/page-state";
import { useLater } from "@/lib/use-later";

import { ConnectionBanner } from "./connection";
import { Brand, Foot, Navigation } from "./side";

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

const loadMenu = () => import("./phone-menu");
const PhoneMenu = lazy(loadMenu);

/** The phone's way to the other pages. */
function TopBar() {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  useLater(loadMenu);
  return (
    <header className="sticky top-0 z-20 flex items-center justify-between border-b border-line bg-surface pr-2 md:hidden">
      <Brand />
      <Button
        ref={button}
        variant="ghost"
        size="icon"
        aria-label="Menu"
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={() => setOpen(true)}
      >
        <MenuIcon aria-hidden />
      </Button>
      {open && (
        <Suspense>
          <PhoneMenu onClose={() => setOpen(false)} opener={button} />
        </Suspense>
      )}
    </header>
  );
}

/** Lets tests and screenshots wait until nothing is awaited any more. */
function Activity() {
  const fetching = useIsFetching({ predicate: (query) => query.state.data === undefined });
  return <div hidden data-loading={fetching > 0} />;
}
