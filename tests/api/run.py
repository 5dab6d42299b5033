"""Throws generated requests at a whole server, as the admin and as an agent, and holds every
answer against the server's own OpenAPI document. Run by `cargo xtask test --only api`."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import requests

HERE = Path(__file__).parent
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")

# Requests a minute. The server admits 600 from one identity, and a run that meets this limit tests
# nothing but the limit. The agent's two runs share one.
PACE, PACE_OF_OWN, PACE_OF_OTHERS = 500, 400, 150
# Requests of a run, at most. Half of them are never sent, as some routes take nothing that could
# differ; the rest passes at this pace in about 90 seconds.
REQUESTS, REQUESTS_OF_OWN, REQUESTS_OF_OTHERS = 1200, 700, 150
# Seconds after which a run is ended: the bound above, and an answer or two that wait for others.
PATIENCE = 240
# Seconds until the demo must be up.
START = 60

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "response_schema_conformance",
    "content_type_conformance",
)

LEFT_OUT = {
    # It would end the run's own certificate.
    "/api/certs/admin/upgrade-to-hardware-bound",
    # It answers 501, and will replace the program.
    "/api/system/update",
    # It reaches this machine's own systemd.
    "/api/services/{name}/{action}",
    # WebSockets.
    "/api/services/{name}/logs",
    "/api/onboarding/provision/stream",
}


class Failed(Exception):
    pass


def main():
    with tempfile.TemporaryDirectory() as folder:
        demo = Demo(Path(os.environ["PORTLAMA_BINARY"]))
        try:
            check(demo.ready, Path(folder))
        finally:
            demo.stop()


def check(ready, folder):
    admin = Identity(ready["adminCert"], ready["adminKey"])
    server = Server(ready, admin)
    document = server.get("/api/openapi.json")
    for path in LEFT_OUT:
        document["paths"].pop(path, None)
    things = populate(server)
    agent = server.enrol("probe", folder, capabilities=things.pop("capabilities"))
    things["tunnels"].append(server.tunnel("probed", 8471, "probe"))
    planted(server, document, folder)

    own, others = split(document)
    things = by_path(things)
    runs = [
        Run("admin", admin, server, document, things, folder, REQUESTS, PACE),
        Run("agent", agent, server, own, things, folder, REQUESTS_OF_OWN, PACE_OF_OWN),
        Run("agent-refused", agent, server, others, things, folder, REQUESTS_OF_OTHERS, PACE_OF_OTHERS),
    ]
    for run in runs:
        run.start()
    faults = [run.finish() for run in runs]
    # The server has closed the connection that nobody used meanwhile.
    server.session.close()
    server.get("/api/health")
    if any(faults):
        raise Failed("\n".join(fault for fault in faults if fault))


def split(document):
    """What an agent may ask for, and what is the admin's alone."""
    own, others = {}, {}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            admins = operation["description"].startswith("The admin.")
            (others if admins else own).setdefault(path, {})[method] = operation
    return dict(document, paths=own), dict(document, paths=others)


def populate(server):
    """Something of every kind, so that requests have what they can meet."""
    site = server.post(
        "/api/sites", {"name": "probed-site", "type": "managed"}, 201
    )["site"]
    server.post(
        "/api/users",
        {
            "username": "probed",
            "displayname": "Probed",
            "email": "probed@example.org",
            "password": "correct horse battery",
        },
        201,
    )
    invitation = server.post(
        "/api/invitations",
        {"username": "invited", "email": "invited@example.org"},
        201,
    )
    spare = server.post("/api/certs/agent", {"label": "spare"}, 200)
    document = server.get("/api/openapi.json")
    return {
        "capabilities": document["components"]["schemas"]["Capability"]["enum"],
        "sites": [site["id"]],
        "users": ["probed"],
        "invitations": [invitation["invitation"]["id"]],
        "invite": [invitation["token"]],
        "agents": [spare["label"]],
        "tunnels": [server.tunnel("shared", 8470, server.agent_label)],
    }


def by_path(things):
    names = {
        "/api/tunnels/{id}": {"id": things["tunnels"]},
        "/api/users/{username}": {"username": things["users"]},
        "/api/users/{username}/reset-totp": {"username": things["users"]},
        "/api/invitations/{id}": {"id": things["invitations"]},
        "/api/invite/{token}": {"token": things["invite"]},
        "/api/invite/{token}/accept": {"token": things["invite"]},
    }
    for path in ("", "/files", "/verify-dns"):
        names[f"/api/sites/{{id}}{path}"] = {"id": things["sites"]}
    for path in ("", "/capabilities", "/allowed-sites", "/download"):
        names[f"/api/certs/agent/{{label}}{path}"] = {"label": things["agents"]}
    return names


def planted(server, document, folder):
    """A suite that cannot fail proves nothing: it must find what a false document promises."""
    health = json.loads(json.dumps(document["paths"]["/api/health"]))
    schema = {
        "type": "object",
        "required": ["planted"],
        "properties": {"planted": {"type": "string"}},
    }
    health["get"]["responses"]["200"]["content"]["application/json"]["schema"] = schema
    tunnels = json.loads(json.dumps(document["paths"]["/api/tunnels/{id}"]))
    for status in ("400", "404"):
        tunnels["delete"]["responses"].pop(status)
    false = dict(
        document,
        paths={"/api/health": health, "/api/tunnels/{id}": {"delete": tunnels["delete"]}},
    )
    run = Run("planted", server.admin, server, false, {}, folder, 6, PACE)
    run.start()
    fault = run.finish() or ""
    for name in ("Response violates schema", "Undocumented status code"):
        if name not in fault:
            raise Failed(f"a planted fault was not found ({name}):\n{fault}")
    print("planted faults: found")


class Identity:
    def __init__(self, certificate, key):
        self.certificate, self.key = str(certificate), str(key)


class Server:
    """The server under test, as its admin sees it."""

    def __init__(self, ready, admin):
        self.url = ready["panelUrl"].rstrip("/")
        self.authority = ready["caCert"]
        self.agent_label = ready["agentLabel"]
        self.admin = admin
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = self.authority
        self.session.cert = (admin.certificate, admin.key)

    def get(self, path):
        return self.expect(self.session.get(self.url + path, timeout=30), 200)

    def post(self, path, body, status):
        return self.expect(self.session.post(self.url + path, json=body, timeout=60), status)

    def expect(self, answer, status):
        if answer.status_code != status:
            raise Failed(f"{answer.url} answered {answer.status_code}: {answer.text}")
        return answer.json()

    def tunnel(self, subdomain, port, agent):
        body = {"subdomain": subdomain, "port": port, "agentLabel": agent}
        return self.post("/api/tunnels", body, 201)["tunnel"]["id"]

    def enrol(self, label, folder, capabilities):
        """An agent with every right, by token and certificate request as agents do it."""
        grant = {"label": label, "capabilities": capabilities, "allowedSites": ["probed-site"]}
        token = self.post("/api/certs/agent/enroll", grant, 200)["token"]
        key, csr, certificate = (folder / f"{label}.{kind}" for kind in ("key", "csr", "crt"))
        subprocess.run(
            ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
            + ["-nodes", "-subj", f"/CN={label}", "-keyout", key, "-out", csr],
            check=True,
            capture_output=True,
        )
        enrolled = self.post("/api/enroll", {"token": token, "csr": csr.read_text()}, 200)
        certificate.write_text(enrolled["cert"])
        return Identity(certificate, key)


class Run:
    """One run of schemathesis with one certificate."""

    def __init__(self, name, who, server, document, things, folder, requests, pace):
        self.name = name
        self.tally = folder / f"{name}.tally.json"
        file = folder / f"{name}.json"
        file.write_text(json.dumps(document))
        operations = sum(len(item) for item in document["paths"].values())
        examples = max(3, requests // operations)
        self.command = [SCHEMATHESIS, "run", file, "--url", server.url]
        self.command += ["--no-color", "--tls-verify", server.authority]
        self.command += ["--request-cert", who.certificate, "--request-cert-key", who.key]
        self.command += ["--checks", ",".join(CHECKS), "--phases", "examples,fuzzing"]
        self.command += ["--max-examples", str(examples), "--rate-limit", f"{pace}/m"]
        self.command += ["--seed", "1", "--generation-deterministic"]
        self.command += ["--no-shrink"]
        self.command += ["--suppress-health-check", "all", "--warnings", "off"]
        self.command += ["--request-timeout", "60", "--continue-on-failure"]
        self.environment = dict(
            os.environ,
            SCHEMATHESIS_HOOKS=str(HERE / "hooks.py"),
            PORTLAMA_API_THINGS=json.dumps(things),
            PORTLAMA_API_TALLY=str(self.tally),
            NO_PROXY="*",
            PYTHONDONTWRITEBYTECODE="1",
        )
        self.folder = folder

    def start(self):
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            [str(word) for word in self.command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = []
        # Read at once: a full pipe would hold the run up.
        self.reader = threading.Thread(target=lambda: self.output.extend(self.process.stdout))
        self.reader.start()

    def finish(self):
        """What is wrong, or nothing."""
        try:
            self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.output.append(f"not done after {PATIENCE} s")
        self.reader.join()
        statuses = Counter(json.loads(self.tally.read_text()) if self.tally.exists() else {})
        shown = ", ".join(f"{status}: {times}" for status, times in sorted(statuses.items()))
        seconds = time.monotonic() - self.begun
        print(f"{self.name}: {sum(statuses.values())} requests in {seconds:.0f} s ({shown})")
        if self.process.returncode:
            return f"── as {self.name}\n{''.join(self.output)}"
        if statuses["limited"] or not (statuses["200"] or self.name == "agent-refused"):
            return f"── as {self.name}: the run tested nothing but refusals"
        return None


class Demo:
    """`portlama demo` as a process."""

    def __init__(self, binary):
        self.process = subprocess.Popen(
            [binary, "demo", "--json", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        watchdog = threading.Timer(START, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        if not line:
            raise Failed("the demo did not become ready")
        self.ready = json.loads(line)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        sys.exit(f"error: {failed}")
