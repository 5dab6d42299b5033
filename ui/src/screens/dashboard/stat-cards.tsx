import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useState, type ReactNode } from "react";
import { Link } from "react-router";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import type { SystemStats } from "@/api/schema";
import { Card } from "@/components/card";
import { QueryView, Skeleton } from "@/components/page-state";
import { Progress } from "@/components/progress";
import { bytes, duration } from "@/lib/format";

import { share, useHistory, type Sample } from "./history";

const Graph = lazy(() => import("./graph"));

/** From so many percent on, a disk is worth a word, and then urgent. */
const DISK_WARN = 85;
const DISK_BAD = 95;

/** How the machine is, now and in the last minutes. */
export function StatCards() {
  const query = useQuery(queries.stats(useApi()));
  const samples = useHistory(query);
  const ready = usePainted(query.data !== undefined);
  return (
    <QueryView query={query} loading={<Grid><Waiting /></Grid>}>
      {(stats) => (
        <Grid>
          <Cards stats={stats} samples={samples} graphs={ready} />
        </Grid>
      )}
    </QueryView>
  );
}

function Grid({ children }: { children: ReactNode }) {
  return (
    <section aria-label="The server" className="grid grid-cols-2 gap-3 sm:gap-4 lg:grid-cols-4">
      {children}
    </section>
  );
}

function Cards({ stats, samples, graphs }: { stats: SystemStats; samples: Sample[]; graphs: boolean }) {
  const { cpu, memory, disk, uptime, process } = stats;
  const full = share(disk);
  const graph = (of: "cpu" | "memory", label: string) => (
    <div className="h-9 in-data-stale:grayscale">
      {graphs && samples.length > 1 && (
        <Suspense>
          <Graph samples={samples} of={of} label={label} />
        </Suspense>
      )}
    </div>
  );
  return (
    <>
      <StatCard name="Processor" value={`${cpu.usage.toFixed(1)} %`} note={`of ${cpu.cores} ${cpu.cores === 1 ? "core" : "cores"}`}>
        {graph("cpu", "Processor use")}
      </StatCard>
      <StatCard name="Memory" value={bytes(memory.used)} note={`of ${bytes(memory.total)}`}>
        {graph("memory", "Memory use")}
      </StatCard>
      <StatCard name="Disk" value={bytes(disk.used)} note={`of ${bytes(disk.total)}`}>
        <div className="flex h-9 flex-col justify-end gap-1.5">
          <Progress
            share={full / 100}
            label="Disk in use"
            tone={full >= DISK_BAD ? "bad" : full >= DISK_WARN ? "warn" : "accent"}
          />
          <p className="text-xs text-soft">{bytes(disk.free)} free</p>
        </div>
      </StatCard>
      <StatCard name="Running for" value={duration(uptime)} note="the machine">
        <p className="flex h-9 items-end text-xs text-soft">
          <Link to="/services" className="underline-offset-4 hover:underline">
            Portlama uses {bytes(process.memory)}
          </Link>
        </p>
      </StatCard>
    </>
  );
}

interface StatCardProps {
  name: string;
  value: ReactNode;
  note: ReactNode;
  children: ReactNode;
}

function StatCard({ name, value, note, children }: StatCardProps) {
  return (
    <Card className="flex min-h-36 flex-col justify-between gap-2 p-3.5 sm:p-4">
      <div>
        <h2 className="text-sm text-soft">{name}</h2>
        <div className="text-xl font-semibold tracking-tight tabular-nums in-data-stale:text-soft">{value}</div>
        <div className="text-xs text-soft">{note}</div>
      </div>
      {children}
    </Card>
  );
}

function Waiting() {
  return ["Processor", "Memory", "Disk", "Running for"].map((name) => (
    <StatCard key={name} name={name} value={<Skeleton className="my-1.5 w-20" />} note={<Skeleton className="h-3 w-12" />}>
      <div className="h-9" />
    </StatCard>
  ));
}

/** Whether what is shown has been painted: only then is there time for what is large. */
function usePainted(shown: boolean): boolean {
  const [painted, setPainted] = useState(false);
  useEffect(() => {
    if (!shown) return;
    const timer = setTimeout(() => setPainted(true), 300);
    return () => clearTimeout(timer);
  }, [shown]);
  return painted;
}
