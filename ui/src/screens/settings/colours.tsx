import { useId } from "react";

import { useTheme, type Theme } from "@/app/theme";
import { Card, CardBody, CardHeader } from "@/components/card";

const CHOICES: { theme: Theme; label: string }[] = [
  { theme: "system", label: "As the system" },
  { theme: "light", label: "Light" },
  { theme: "dark", label: "Dark" },
];

export function Colours() {
  const [theme, choose] = useTheme();
  const name = useId();
  return (
    <Card>
      <CardHeader title="Colours" lead="For this browser only." />
      <CardBody>
        <fieldset className="flex flex-wrap gap-x-6 gap-y-1">
          <legend className="sr-only">Colours</legend>
          {CHOICES.map(({ theme: each, label }) => (
            <label key={each} className="flex min-h-9 items-center gap-2.5 text-sm pointer-coarse:min-h-11">
              <input
                type="radio"
                name={name}
                checked={theme === each}
                onChange={() => choose(each)}
                className="size-4.5 accent-accent"
              />
              {label}
            </label>
          ))}
        </fieldset>
      </CardBody>
    </Card>
  );
}
