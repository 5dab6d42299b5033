"""A server in a state directory of its own, and its admin at the panel API."""

import http.client
import json
import os
import ssl
import subprocess
import time
import uuid
from pathlib import Path

import machine

DOMAIN = "bench.portlama.test"
START_LIMIT_SECONDS = 120
# Tunnels of one agent have a port each. Below those that the kernel gives out (machine.py), so that
# nothing answers there by chance.
FIRST_PORT = 2_000


def name_of(number: int) -> str:
    """The label of the tunnel with this number; the first is number 1."""
    return f"app-{number:05}"


class Server:
    """A server with its own authority on loopback. Tunnels are written into its state before it
    starts, as a person may do (docs/state.md): the API takes 600 requests a minute."""

    def __init__(self, binary: Path, folder: Path, tunnels: int, agent: str | None = None):
        self.binary, self.folder = binary, folder
        folder.mkdir()
        self.state = folder / "state"
        made = self._portlama("server", "init", "--state-dir", self.state, "--ip", "127.0.0.1",
                              "--domain", DOMAIN, "--certificates", "internal")
        self.made = json.loads(made)
        self.tunnels = tunnels
        self.https_port, self.panel_port = machine.free_port(), machine.free_port()
        self.process = None
        self._fill(agent)

    def _portlama(self, *words, **options) -> str:
        command = [str(word) for word in (self.binary, *words, "--json")]
        run = subprocess.run(command, capture_output=True, text=True, **options)
        if run.returncode != 0:
            raise SystemExit(f"{' '.join(command)}: {run.stderr}{run.stdout}")
        return run.stdout

    def _fill(self, agent: str | None) -> None:
        owner = {"agentLabel": agent} if agent else {}
        tunnels = [
            {
                "id": str(uuid.UUID(int=number)), "subdomain": name_of(number), "fqdn": host(number),
                "port": FIRST_PORT + number, "description": None, "type": "app",
                "accessMode": "authenticated", **owner, "enabled": True,
                "createdAt": "2026-01-01T00:00:00.000Z", "originScheme": "http", "hostHeader": "public",
                "originTlsVerify": True, "allowCrossSite": False,
            }
            for number in range(1, self.tunnels + 1)
        ]
        (self.state / "tunnels.json").write_text(json.dumps(tunnels, indent=2) + "\n")

    def start(self) -> float:
        """Starts the server; answers the seconds from there until a visitor of the last host has
        an answer over TLS, checked against the authority."""
        command = [self.binary, "server", "run", "--json", "--state-dir", self.state, "--listen", "127.0.0.1",
                   "--https-port", self.https_port, "--panel-port", self.panel_port]
        log = (self.folder / "server.log").open("ab")
        begun = time.perf_counter()
        self.process = machine.start(command, stdout=subprocess.DEVNULL, stderr=log)
        machine.wait_for_port(self.https_port, self.process, START_LIMIT_SECONDS)
        visitor = http.client.HTTPSConnection(
            "127.0.0.1", self.https_port, timeout=START_LIMIT_SECONDS, context=_Named(self._context(), host(self.tunnels)))
        visitor.request("GET", "/", headers={"host": f"{host(self.tunnels)}:{self.https_port}"})
        status = visitor.getresponse().status
        took = time.perf_counter() - begun
        visitor.close()
        if status not in (302, 303):
            raise SystemExit(f"a visitor who is not signed in was answered {status}{self.logs()}")
        return took

    def stop(self) -> None:
        if self.process:
            machine.stop(self.process)
            self.process = None

    def admin(self) -> "Admin":
        """The admin on a new connection."""
        context = self._context()
        context.load_cert_chain(self.made["adminCert"], self.made["adminKey"])
        return Admin(self.panel_port, context)

    def enrol(self, label: str) -> subprocess.Popen:
        """Makes an agent and starts it; it allows every port."""
        token = self.admin().call("POST", "certs/agent/enroll", {"label": label, "capabilities": ["tunnels:read"]})
        home = self.folder / "agent"
        environment = os.environ | {"PORTLAMA_ENROLLMENT_TOKEN": token["setupToken"]}
        self._portlama("agent", "setup", "--panel-url", f"https://127.0.0.1:{self.panel_port}", "--home", home,
                       "--allow-loopback", env=environment, stdin=subprocess.DEVNULL)
        log = (self.folder / "agent.log").open("ab")
        return machine.start([self.binary, "agent", "run", "--home", home], stdout=log, stderr=log)

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.made["caCert"])

    def logs(self) -> str:
        return "\n" + (self.folder / "server.log").read_text()[-2000:]


class _Named:
    """A TLS context that asks for one name, wherever it connects."""

    # What http.client looks at.
    check_hostname, verify_mode, post_handshake_auth = True, ssl.CERT_REQUIRED, None

    def __init__(self, context: ssl.SSLContext, name: str):
        self._context, self._name = context, name

    def wrap_socket(self, sock, server_hostname=None):
        return self._context.wrap_socket(sock, server_hostname=self._name)


class Admin:
    """A kept connection to the panel with the admin's certificate: the handshake is in no figure."""

    def __init__(self, port: int, context: ssl.SSLContext):
        self._connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)
        self._connection.connect()

    def call(self, method: str, path: str, body: dict | None = None) -> dict:
        return json.loads(self.timed(method, path, body)[1])

    def timed(self, method: str, path: str, body: dict | None = None) -> tuple[float, bytes]:
        """The milliseconds from the request to the last octet of the answer, and the answer."""
        data = json.dumps(body) if body else None
        headers = {"content-type": "application/json"} if body else {}
        begun = time.perf_counter()
        self._connection.request(method, f"/api/{path}", data, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        took = (time.perf_counter() - begun) * 1000
        if answer.status not in (200, 201):
            raise SystemExit(f"{method} {path} was answered {answer.status}: {text[:500]!r}")
        return took, text


def host(number: int) -> str:
    """The host name of the tunnel with this number."""
    return f"{name_of(number)}.{DOMAIN}"
