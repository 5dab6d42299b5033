import { Page } from "@/components/page";

import { About } from "./about";
import { AdminCertificate } from "./admin-certificate";
import { Colours } from "./colours";
import { Server } from "./server";
import { TwoFactor } from "./two-factor";

export function Component() {
  return (
    <Page title="Settings" lead="How this panel is guarded, what this server is, and how the panel looks.">
      <TwoFactor />
      <AdminCertificate />
      <Server />
      <Colours />
      <About />
    </Page>
  );
}
