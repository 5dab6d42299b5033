"""What the admin waits for with many tunnels: the list of all of them, and one more of them.

The list is asked for one by one over one kept connection with the admin's certificate, while an
agent is connected and has reported on every port; times hold the client's TLS and end with the
last octet. Creations take turns at two servers on one disk, so that its moods hit both: one with
few tunnels, one with many. All present tunnels have certificates of their own, and those of the
tunnels to come lie in the state directory beforehand. After each repetition the new tunnels are
deleted again.
"""

import json
import statistics
import subprocess
import time
from pathlib import Path

import machine
from load import percentile
from server import FIRST_PORT, Server, host, name_of

LISTED = 1_000
# Of one repetition. The server takes 600 requests a minute from everybody and starts anew each time.
LISTS = 500
AGENT = "bench"
REPORT_LIMIT_SECONDS = 60

# The tunnels whose creation is compared.
FEW, MANY = range(5, 26), range(4_990, 5_011)


def lists(binary: Path, folder: Path, repetitions: int) -> list[dict]:
    server = Server(binary, folder / "list", LISTED, AGENT)
    agent = None
    samples = []
    try:
        server.start()
        agent = server.enrol(AGENT)
        for repetition in range(repetitions):
            if repetition > 0:
                server.stop()
                server.start()
            samples.append(_lists(server))
    finally:
        if agent:
            machine.stop(agent)
        server.stop()
    return samples


def _lists(server: Server) -> dict:
    admin = server.admin()
    _await_reports(server)
    times = []
    with machine.Meter({"server": server.process.pid}) as meter:
        for _ in range(LISTS):
            took, text = admin.timed("GET", "tunnels")
            times.append(took)
    if len(json.loads(text)["tunnels"]) != LISTED:
        raise SystemExit(f"not every tunnel was listed: {text[:500]!r}")
    times.sort()
    return {
        "p50_ms": percentile(times, 50), "p99_ms": percentile(times, 99), "most_ms": times[-1],
        "octets": len(text), "cpu_ms": meter.cpu["server"] / LISTS * 1000, "others": meter.others,
    }


def _await_reports(server: Server) -> None:
    """Until the agent is connected and has said of each port that nothing answers there."""
    admin = server.admin()
    end = time.monotonic() + REPORT_LIMIT_SECONDS
    while True:
        tunnels = admin.call("GET", "tunnels")["tunnels"]
        statuses = {tunnel["status"] for tunnel in tunnels}
        if statuses == {"origin_refused"}:
            return
        if time.monotonic() > end:
            raise SystemExit(f"the agent has not reported: {statuses}{server.logs()}")
        time.sleep(1)


def creations(binary: Path, folder: Path, repetitions: int) -> list[dict]:
    servers = [(numbers, Server(binary, folder / f"create-{numbers[0]}", numbers[0] - 1)) for numbers in (FEW, MANY)]
    try:
        for numbers, server in servers:
            _certify(server, numbers, folder)
            server.start()
        return [_creations(servers) for _ in range(repetitions)]
    finally:
        for _, server in servers:
            server.stop()


def _creations(servers: list) -> dict:
    """Creates the tunnels in turn, then deletes them."""
    admins = [(numbers, server.admin(), []) for numbers, server in servers]
    made = []
    with machine.Meter({str(numbers[0]): server.process.pid for numbers, server in servers}) as meter:
        for turn in range(len(FEW)):
            for numbers, admin, times in admins if turn % 2 == 0 else reversed(admins):
                number = numbers[turn]
                took, text = admin.timed("POST", "tunnels", {"subdomain": name_of(number), "port": FIRST_PORT + number})
                times.append(took)
                made.append((admin, json.loads(text)["tunnel"]))
    for admin, tunnel in made:
        # Without an agent nothing else can be missing.
        if tunnel["status"] != "no_agent":
            raise SystemExit(f"a certificate was there and is not served: {tunnel}")
        admin.call("DELETE", f"tunnels/{tunnel['id']}")
    few, many = (times for _, _, times in admins)
    return {
        "few_ms": statistics.median(few), "many_ms": statistics.median(many),
        "ratio": statistics.median(many) / statistics.median(few),
        "cpu_few_ms": meter.cpu[str(FEW[0])] / len(FEW) * 1000,
        "cpu_many_ms": meter.cpu[str(MANY[0])] / len(MANY) * 1000,
        "others": meter.others,
    }


def _certify(server: Server, numbers: range, folder: Path) -> None:
    """Puts a certificate of another authority for each name where the server keeps them: one of
    its own would go with its tunnel."""
    key, ca = folder / "other.key", folder / "other.crt"
    if not ca.exists():
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90",
                 "-subj", "/CN=another authority", "-keyout", key, "-out", ca)
    for number in numbers:
        place = server.state / "certificates" / host(number)
        place.mkdir(mode=0o700)
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90",
                 "-CA", ca, "-CAkey", key, "-subj", "/CN=app", "-addext", f"subjectAltName=DNS:{host(number)}",
                 "-addext", "basicConstraints=critical,CA:FALSE",
                 "-keyout", place / "privkey.pem", "-out", place / "fullchain.pem")
        (place / "privkey.pem").chmod(0o600)


def _openssl(*words) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
