import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import type { UseFormRegisterReturn } from "react-hook-form";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { FieldError } from "@/components/field";
import { QueryView, Skeleton } from "@/components/page-state";

interface AllowedUsersProps {
  /** Names that are on the list already; they may be of users who are gone. */
  listed: string[];
  register: UseFormRegisterReturn;
  error: string | undefined;
}

/** A checkbox for each user. */
export function AllowedUsers({ listed, register, error }: AllowedUsersProps) {
  const api = useApi();
  const id = useId();
  return (
    <fieldset className="flex min-w-0 flex-col gap-1.5" aria-describedby={error && `${id}-error`}>
      <legend className="mb-1.5 text-sm font-medium">People on the list</legend>
      <QueryView query={useQuery(queries.users(api))} loading={<Skeleton className="h-24" />}>
        {({ users }) => {
          const known = new Set(users.map(({ username }) => username));
          const gone = listed.filter((username) => !known.has(username));
          const rows = [
            ...users.map(({ username, displayname }) => ({ username, note: displayname })),
            ...gone.map((username) => ({ username, note: "no such user any more" })),
          ];
          return (
            <ul className="max-h-72 divide-y divide-line overflow-y-auto rounded-lg border border-line">
              {rows.map(({ username, note }) => (
                <li key={username}>
                  <label className="flex min-h-10 cursor-pointer items-center gap-2.5 px-3 py-1.5 text-sm hover:bg-sunken pointer-coarse:min-h-11">
                    <input type="checkbox" value={username} className="size-4.5 shrink-0 accent-accent" {...register} />
                    <span className="min-w-0 wrap-anywhere">
                      <span className="font-medium">{username}</span> <span className="text-soft">{note}</span>
                    </span>
                  </label>
                </li>
              ))}
            </ul>
          );
        }}
      </QueryView>
      <FieldError id={id} error={error} />
    </fieldset>
  );
}
