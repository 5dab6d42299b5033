"""`portlama demo` as a process, its admin, and a visitor who signs in with both factors."""

import base64
import hashlib
import hmac
import json
import struct
import subprocess
import time
import urllib.parse
from pathlib import Path

import machine

READY_LIMIT_SECONDS = 60
SERVING_LIMIT_SECONDS = 30


class Demo:
    """A running demo: the server, the agent, an admin and one user."""

    def __init__(self, binary: Path, folder: Path):
        self.folder = folder
        self.log = folder / "demo.log"
        self.process = machine.start(
            [binary, "demo", "--json", "--port", "0"],
            stdout=subprocess.PIPE, stderr=self.log.open("wb"), text=True,
        )
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the demo did not become ready:\n{self.log.read_text()}")
        self.ready = json.loads(line)
        self.port = self.ready["httpsPort"]
        self.pids = {"server": self.ready["serverPid"], "agent": self.ready["agentPid"]}
        self.jar = folder / "cookies"

    def host(self, subdomain: str) -> str:
        return f"{subdomain}.{self.ready['domain']}"

    def url(self, subdomain: str, path: str) -> str:
        return f"https://{self.host(subdomain)}:{self.port}{path}"

    def curl(self, *options) -> str:
        """One request as a visitor; answers what `--write-out` and the body print."""
        names = [self.host(label) for label in ("auth", "bench", "sink")]
        resolve = [word for name in names for word in ("--resolve", f"{name}:{self.port}:127.0.0.1")]
        command = ["curl", "--silent", "--show-error", "--max-time", "120", "--noproxy", "*",
                   "--cacert", self.ready["caCert"], *resolve, *options]
        run = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if run.returncode != 0:
            raise SystemExit(f"curl failed: {run.stderr}{self.logs()}")
        return run.stdout

    def api(self, method: str, path: str, body: dict | None = None) -> dict:
        """A call to the panel API as the admin."""
        data = ["--header", "content-type: application/json", "--data", json.dumps(body)] if body else []
        answer = self.curl(
            "--cert", self.ready["adminCert"], "--key", self.ready["adminKey"], "--request", method,
            *data, "--write-out", "\n%{http_code}", f"{self.ready['panelUrl']}/api/{path}",
        )
        text, status = answer.rsplit("\n", 1)
        if not status.startswith("2"):
            raise SystemExit(f"{method} {path} answered {status}: {text}")
        return json.loads(text)

    def tunnel(self, subdomain: str, port: int) -> None:
        """An `authenticated` tunnel to a local port; returns when it serves."""
        self.api("POST", "tunnels", {"subdomain": subdomain, "port": port, "accessMode": "authenticated"})
        end = time.monotonic() + SERVING_LIMIT_SECONDS
        while True:
            tunnels = self.api("GET", "tunnels")["tunnels"]
            mine = next(tunnel for tunnel in tunnels if tunnel["subdomain"] == subdomain)
            if mine["status"] == "serving":
                return
            if time.monotonic() > end:
                raise SystemExit(f"the tunnel {subdomain} does not serve: {mine}{self.logs()}")
            time.sleep(0.05)

    def sign_in(self) -> None:
        """Password, then code, as programs do."""
        auth = self.ready["authUrl"].rstrip("/")
        user = {"username": self.ready["username"], "password": self.ready["password"]}
        for path, body in [
            ("firstfactor", user),
            ("secondfactor/totp", {"token": totp(self.ready["totpUri"])}),
        ]:
            status = self.curl(
                "--cookie", self.jar, "--cookie-jar", self.jar, "--output", "/dev/null",
                "--write-out", "%{http_code}", "--header", "content-type: application/json",
                "--data", json.dumps(body), f"{auth}/api/{path}",
            )
            if status != "200":
                raise SystemExit(f"signing in: {path} answered {status}{self.logs()}")

    def cookie(self, subdomain: str, path: str) -> str:
        """The `Cookie` field of a signed-in visitor of a host. Without it the visitor is sent
        to the sign-in; with it the app answers."""
        url = self.url(subdomain, path)
        shape = ["--output", "/dev/null", "--write-out", "%{http_code} %{redirect_url} %{url_effective}"]
        status, target = self.curl(*shape, url).split(" ")[:2]
        if status not in ("302", "303") or self.host("auth") not in target:
            raise SystemExit(f"{url} is open to everybody: {status} {target}")
        jar = ["--cookie", self.jar, "--cookie-jar", self.jar]
        status, _, end = self.curl(*shape, *jar, "--location", "--max-redirs", "8", url).split(" ")
        if status != "200" or end != url:
            raise SystemExit(f"{url} answered a signed-in visitor with {status} at {end}{self.logs()}")
        return "; ".join(self._cookies_of(self.host(subdomain)))

    def _cookies_of(self, host: str) -> list[str]:
        found = []
        for line in self.jar.read_text().splitlines():
            fields = line.removeprefix("#HttpOnly_").split("\t")
            if len(fields) == 7 and fields[0] == host:
                found.append(f"{fields[5]}={fields[6]}")
        return found

    def logs(self) -> str:
        """The ends of all logs, for an error message."""
        state = Path(self.ready["stateDir"])
        texts = [self.log, state / "server.log", state / "agent.log"]
        return "".join(f"\n── {path.name}\n{path.read_text()[-2000:]}" for path in texts if path.exists())

    def stop(self) -> None:
        machine.stop(self.process)


def totp(uri: str) -> str:
    """The code of an `otpauth://` URI at this moment (RFC 6238, SHA-1, 30 s, 6 digits)."""
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(uri).query)
    secret = query["secret"][0]
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset:offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**6:06}"
