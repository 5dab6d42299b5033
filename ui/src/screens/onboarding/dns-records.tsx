import type { DnsCheck } from "@/api/schema";
import { Badge } from "@/components/badge";
import { Card, CardHeader } from "@/components/card";
import { CopyButton } from "@/components/copy";
import { DataList } from "@/components/data-list";

import { records, type DnsRecord } from "./records";

interface DnsRecordsProps {
  domain: string;
  ip: string;
  check: DnsCheck | undefined;
}

export function DnsRecords({ domain, ip, check }: DnsRecordsProps) {
  return (
    <Card>
      <CardHeader
        title="Records to create"
        lead="Some providers want only the part of the name before your domain: @ stands for the domain itself, * for every name below it. If there is a switch “proxy”, turn it off."
      />
      <DataList
        label="Records to create"
        rows={records(domain, ip, check)}
        rowKey={(record) => record.name}
        empty={null}
        columns={[
          { header: "Type", width: "3rem", phone: "hidden", cell: ({ type }) => <code className="font-mono">{type}</code> },
          {
            header: "Name",
            width: "3fr",
            phone: "title",
            cell: ({ type, name, purpose }) => (
              <>
                <Copied text={name} label={`Copy name ${name}`} />
                <p className="text-soft">
                  <span className="md:hidden">{type} record: </span>
                  {purpose}
                </p>
              </>
            ),
          },
          {
            header: "Value",
            width: "2fr",
            cell: ({ name, value }) => <Copied text={value} label={`Copy value of ${name}`} />,
          },
          { header: "Seen", width: "6rem", phone: "plain", cell: (record) => <Found record={record} /> },
        ]}
      />
    </Card>
  );
}

function Copied({ text, label }: { text: string; label: string }) {
  return (
    <span className="inline-flex max-w-full items-center gap-1">
      <code className="min-w-0 font-mono wrap-anywhere">{text}</code>
      <CopyButton text={text} label={label} />
    </span>
  );
}

function Found({ record: { found } }: { record: DnsRecord }) {
  if (found === "unknown") return <Badge>looking …</Badge>;
  return found === "yes" ? (
    <Badge tone="good" dot>
      right
    </Badge>
  ) : (
    <Badge tone="warn" dot>
      not yet
    </Badge>
  );
}
