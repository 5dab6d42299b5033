import { CircleAlert, CircleCheck } from "lucide-react";

import { asSentence } from "@/api/error";
import type { DnsCheck, ResolverCheck } from "@/api/schema";
import { DataList } from "@/components/data-list";
import { Words } from "@/components/words";

/** Name by name and resolver by resolver. */
export function DnsFindings({ check }: { check: DnsCheck }) {
  return (
    <>
      <section className="border-t border-line px-4 py-4 sm:px-5">
        <h3 className="text-sm font-medium">Names that Portlama itself needs</h3>
        <ul className="mt-2 space-y-1.5 text-sm">
          {check.names.map(({ name, ok, message }) => (
            <li key={name} className="flex gap-2">
              {ok ? (
                <CircleCheck aria-label="Right" className="mt-0.5 size-4 shrink-0 text-good" />
              ) : (
                <CircleAlert aria-label="Not yet" className="mt-0.5 size-4 shrink-0 text-warn" />
              )}
              <span className="min-w-0 wrap-anywhere">
                <Words>{asSentence(message)}</Words>
              </span>
            </li>
          ))}
        </ul>
      </section>
      <section className="border-t border-line">
        <h3 className="px-4 pt-4 text-sm font-medium sm:px-5">Who was asked</h3>
        <p className="px-4 pb-2 text-sm text-soft sm:px-5">
          The server asks each resolver by itself. Your own computer may still see something older.
        </p>
        <DataList
          label="Resolvers and what they say"
          rows={check.resolvers}
          rowKey={({ address }) => address}
          empty={null}
          columns={[
            { header: "Resolver", width: "2fr", phone: "title", cell: ({ address }) => <code className="font-mono">{address}</code> },
            { header: "A", width: "2fr", cell: ({ a, error }) => error ?? <Addresses of={a} /> },
            { header: "AAAA", width: "2fr", cell: ({ aaaa, error }) => !error && <Addresses of={aaaa} /> },
            { header: "Other names", width: "2fr", cell: (resolver) => <OtherNames resolver={resolver} /> },
          ]}
        />
      </section>
    </>
  );
}

/** What a name below the domain gets that has no record of its own. */
function OtherNames({ resolver }: { resolver: ResolverCheck }) {
  return resolver.error ? null : <Addresses of={resolver.wildcard} />;
}

function Addresses({ of }: { of: string[] }) {
  return of.length > 0 ? <code className="font-mono">{of.join(", ")}</code> : <span className="text-soft">none</span>;
}
