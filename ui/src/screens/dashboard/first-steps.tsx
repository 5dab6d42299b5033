import { Check } from "lucide-react";
import { lazy, Suspense, useState, type ReactNode } from "react";
import { Link } from "react-router";

import { Button } from "@/components/button";
import { Card, CardHeader } from "@/components/card";
import { cn } from "@/lib/cn";

// Forms are not needed to look at the dashboard.
const EnrollDialog = lazy(() => import("@/screens/agents/enroll-dialog").then((part) => ({ default: part.EnrollDialog })));

/** What to do on a server that leads nowhere yet. */
export function FirstSteps({ agent, tunnel }: { agent: boolean; tunnel: boolean }) {
  const [enrolling, setEnrolling] = useState(false);
  return (
    <Card className="min-h-60 lg:col-span-2">
      <CardHeader title="First steps" lead="Two things, and an app at home is on the internet." />
      <ol className="grid gap-3 px-4 pb-4 sm:px-5 sm:pb-5 md:grid-cols-2">
        <Step
          number={1}
          done={agent}
          title="Enrol an agent"
          action={
            <Button variant={agent ? "secondary" : "primary"} onClick={() => setEnrolling(true)}>
              {agent ? "Enrol another agent" : "Enrol agent"}
            </Button>
          }
        >
          The program on a machine at home that reaches your apps. It connects to this server, so no port is opened at
          home.
        </Step>
        <Step
          number={2}
          done={tunnel}
          title="Make a tunnel"
          action={
            <Button variant={agent && !tunnel ? "primary" : "secondary"} asChild>
              <Link to="/tunnels?make">Make tunnel</Link>
            </Button>
          }
        >
          Leads the visitors of a host name to one app at home. They sign in first, unless you open it to everybody.
        </Step>
      </ol>
      {enrolling && (
        <Suspense>
          <EnrollDialog open onOpenChange={setEnrolling} />
        </Suspense>
      )}
    </Card>
  );
}

interface StepProps {
  number: number;
  done: boolean;
  title: string;
  action: ReactNode;
  children: ReactNode;
}

function Step({ number, done, title, action, children }: StepProps) {
  return (
    <li className="flex gap-3 rounded-lg border border-line p-4">
      <span
        aria-hidden
        className={cn(
          "grid size-7 shrink-0 place-items-center rounded-full text-sm font-semibold",
          done ? "bg-good-tint text-good" : "bg-accent-tint text-accent",
        )}
      >
        {done ? <Check className="size-4" /> : number}
      </span>
      <div className="space-y-2">
        <h3 className="font-medium">
          {title}
          {done && <span className="ml-2 text-sm font-normal text-good">Done</span>}
        </h3>
        <p className="text-sm text-soft">{children}</p>
        {action}
      </div>
    </li>
  );
}
