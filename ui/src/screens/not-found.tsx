import { Signpost } from "lucide-react";
import { Link } from "react-router";

import { Button } from "@/components/button";
import { Page } from "@/components/page";
import { State } from "@/components/page-state";

export function Component() {
  return (
    <Page title="Not found">
      <State
        icon={Signpost}
        title="There is no such page"
        action={
          <Button asChild variant="primary">
            <Link to="/">To the dashboard</Link>
          </Button>
        }
      />
    </Page>
  );
}
