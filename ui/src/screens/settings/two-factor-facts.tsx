import { useQuery } from "@tanstack/react-query";

import { useApi } from "@/api/context";
import { queries } from "@/api/queries";
import { Fact, Facts } from "@/components/card";
import { usePlatform } from "@/platform/context";
import { bareAddress } from "@/screens/onboarding/steps";

/** What codes change, and the way back when the authenticator is lost. */
export function TwoFactorFacts({ isOn }: { isOn: boolean }) {
  const api = useApi();
  const platform = usePlatform();
  const { data: server } = useQuery(queries.onboarding(api));
  const bare = server ? bareAddress(platform.addressOf("/"), server) : "the one without a name";
  return (
    <Facts>
      <Fact name="Where it is asked">
        {isOn ? "At" : "When they are on: at"} every address of the panel, {bare} as well. That address stays open for your
        certificate; it is no way around the code. Programs that call the API with the admin certificate are asked, too;
        machines that run the agent never are.
      </Fact>
      <Fact name="How often">
        Once per browser and address: again after two hours without use, and after twelve hours in any case. After five wrong
        codes within two minutes, further tries from that network are refused for five minutes.
      </Fact>
      <Fact name="If the authenticator is lost">
        <p>
          Keep the key that is shown when you turn codes on: it makes the same codes in another app. Without that key,
          somebody with root on the server’s machine can run <Code>portlama server reset-admin</Code>:
          it turns codes off and makes a new admin certificate in place of yours.
        </p>
      </Fact>
    </Facts>
  );
}

function Code({ children }: { children: string }) {
  return <code className="rounded bg-sunken px-1 font-mono text-xs">{children}</code>;
}
