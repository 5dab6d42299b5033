"""What visitors do: many small requests, one large transfer, new connections, wrong passwords."""

import http.client
import json
import math
import re
import socket
import ssl
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import machine
from nginx import LARGE, LARGE_BYTES, SMALL, SMALL_BYTES

WARM_UP_SECONDS = 1
# Requests with which the length of the answers is proved; each connection has a share.
PROBES = 640


@dataclass(frozen=True)
class Target:
    """A TLS port that leads to the same service."""

    name: str
    host: str
    sink_host: str
    port: int
    ca: Path
    cookie: str
    sink_cookie: str

    def url(self, path: str, host: str | None = None) -> str:
        return f"https://{host or self.host}:{self.port}{path}"


@dataclass(frozen=True)
class Cell:
    """One way of asking for the small file."""

    name: str
    title: str
    options: tuple
    # Whether each request has a connection of its own. h2load ends badly when it must stop such
    # clients after a time, so these samples have a number of requests.
    reconnects: bool = False


CELLS = [
    Cell("h1", "HTTP/1.1, 64 connections", ("--h1", "-c64")),
    Cell("h2", "HTTP/2, 16 connections x 16 streams", ("-c16", "-m16")),
    Cell("new", "a new connection for each request, 16 at a time", ("--h1", "-c16", "-H", "connection: close"),
         reconnects=True),
]

# New connections of a sample for each second it should last: about what a core accepts.
NEW_CONNECTIONS_EACH_SECOND = 500


def requests(target: Target, cell: Cell, seconds: int, pids: dict, folder: Path) -> dict:
    """Asks for the small file as fast as answers come. Ends the run when one answer is not the
    file: figures of failures mean nothing."""
    # h2load counts octets of the warm-up but not its answers, so lengths are proved apart.
    proof = _h2load(target, cell, ["-n", str(PROBES)])
    if proof.octets != PROBES * SMALL_BYTES:
        raise SystemExit(f"{target.name}: {proof.octets} octets in {PROBES} answers of {SMALL_BYTES}")
    log = folder / "h2load.log"
    log.unlink(missing_ok=True)
    if cell.reconnects:
        amount = ["-n", str(seconds * NEW_CONNECTIONS_EACH_SECOND)]
    else:
        amount = ["-D", str(seconds), f"--warm-up-time={WARM_UP_SECONDS}"]
    with machine.Meter(pids) as meter:
        run = _h2load(target, cell, [*amount, f"--log-file={log}"])
    if run.octets < run.done * SMALL_BYTES:
        raise SystemExit(f"{target.name}: {run.octets} octets in {run.done} answers of {SMALL_BYTES}")
    per_second = run.done / (run.seconds if cell.reconnects else seconds)
    times = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())
    return {
        "per_second": per_second,
        "done": run.done,
        "p50_ms": percentile(times, 50) / 1000,
        "p99_ms": percentile(times, 99) / 1000,
        # The meter saw the warm-up, too.
        "cpu_us": sum(meter.cpu.values()) / (per_second * run.seconds) * 1e6,
        "cpu": meter.cpu,
        "others": meter.others,
    }


@dataclass(frozen=True)
class _Run:
    """What h2load says: answers (all of them 2xx), octets of their bodies, seconds in all."""

    done: int
    octets: int
    seconds: float


def _h2load(target: Target, cell: Cell, amount: list[str]) -> _Run:
    command = ["h2load", "-t1", *cell.options, *amount, f"--connect-to=127.0.0.1:{target.port}",
               "-H", f"cookie: {target.cookie}", target.url(SMALL)]
    run = subprocess.run(command, capture_output=True, text=True)
    text = run.stdout + run.stderr
    took = re.search(r"finished in ([\d.]+)(us|ms|s),", text)
    counts = re.search(
        r"(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", text)
    codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", text)
    octets = re.search(r"\((\d+)\) data", text)
    if not (took and counts and codes and octets):
        raise SystemExit(f"{target.name}, {cell.title}: h2load ({run.returncode}) said\n{text}")
    done, succeeded, *wrong = map(int, [*counts.groups(), *codes.groups()[1:]])
    if done == 0 or done != succeeded or any(wrong):
        raise SystemExit(f"{target.name}, {cell.title}: not every answer was 2xx\n{text}")
    seconds = float(took[1]) * {"us": 1e-6, "ms": 1e-3, "s": 1}[took[2]]
    return _Run(done, int(octets[1]), seconds)


def percentile(ordered: list, percent: float) -> float:
    """The nearest-rank percentile of values in order."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


@dataclass(frozen=True)
class Transfer:
    """One large body."""

    name: str
    title: str
    options: tuple
    up: bool


TRANSFERS = [
    Transfer("down1", "1 GiB download, HTTP/1.1", ("--http1.1",), up=False),
    Transfer("down2", "1 GiB download, HTTP/2", ("--http2",), up=False),
    Transfer("up1", "1 GiB upload, HTTP/1.1", ("--http1.1",), up=True),
]


def transfer(target: Target, kind: Transfer, pids: dict, large: Path) -> dict:
    """One body of 1 GiB with curl; its length is checked."""
    host, cookie, path = (
        (target.sink_host, target.sink_cookie, "/sink") if kind.up
        else (target.host, target.cookie, LARGE)
    )
    body = ["--upload-file", large, "--header", "expect:"] if kind.up else []
    command = [
        "curl", "--silent", "--show-error", "--max-time", "300", "--noproxy", "*",
        "--cacert", target.ca, "--resolve", f"{host}:{target.port}:127.0.0.1",
        "--header", f"cookie: {cookie}", "--output", "/dev/null", *kind.options, *body,
        "--write-out", "%{http_code} %{size_download} %{size_upload} %{time_total}",
        target.url(path, host),
    ]
    with machine.Meter(pids) as meter:
        run = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    words = run.stdout.split()
    octets = int(words[2 if kind.up else 1]) if len(words) == 4 else -1
    if run.returncode != 0 or words[0] != "200" or octets != LARGE_BYTES:
        raise SystemExit(f"{target.name}, {kind.title}: {run.stdout} {run.stderr}")
    seconds = float(words[3])
    return {
        "gbit_per_second": octets * 8 / seconds / 1e9,
        "cpu_per_gib": sum(meter.cpu.values()) / (octets / 2**30),
        "cpu": meter.cpu,
        "others": meter.others,
    }


class Sink:
    """A service that reads a body of declared length and answers. In threads of this process:
    its time is not part of any figure."""

    BUFFER_BYTES = 1 << 20

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        buffer = memoryview(bytearray(self.BUFFER_BYTES))
        with connection:
            head = b""
            while True:
                while b"\r\n\r\n" not in head:
                    more = connection.recv(65536)
                    if not more:
                        return
                    head += more
                head, _, rest = head.partition(b"\r\n\r\n")
                length = re.search(rb"(?im)^content-length: *(\d+)", head)
                left = (int(length[1]) if length else 0) - len(rest)
                while left > 0:
                    got = connection.recv_into(buffer, min(left, self.BUFFER_BYTES))
                    if got == 0:
                        return
                    left -= got
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                head = b""


# Five wrong tries from one address ban the pair of user and address, and five of one user from
# anywhere begin to slow that user down (docs/limits.md): a name is used up before that.
TRIES_PER_NAME = 4
NAMES = 6


def wrong_passwords(demo) -> dict:
    """Times of sign-ins with a wrong password: users that exist beside names that do not, taking
    turns, every pair from an address of its own. Milliseconds."""
    known, unknown = [], []
    for number in range(NAMES):
        user = f"bench-{number}"
        demo.api("POST", "users", {
            "username": user, "displayname": user, "email": f"{user}@example.com",
            "password": f"the right one {number}",
        })
        session = _Session(demo, f"127.0.1.{number + 1}")
        session.try_wrong(f"warm-up-{number}")
        for turn in range(TRIES_PER_NAME):
            pair = [(user, known), (f"nobody-{number}", unknown)]
            for name, times in pair if turn % 2 == 0 else reversed(pair):
                times.append(session.try_wrong(name))
    return {
        "known_ms": known, "unknown_ms": unknown,
        "ratio": statistics.median(unknown) / statistics.median(known),
    }


class _Session:
    """A kept connection to the portal, so that times hold no handshake."""

    def __init__(self, demo, source: str):
        host = demo.host("auth")
        context = ssl.create_default_context(cafile=demo.ready["caCert"])
        raw = socket.create_connection(("127.0.0.1", demo.port), 30, source_address=(source, 0))
        self._connection = http.client.HTTPSConnection(host, demo.port, timeout=30, context=context)
        self._connection.sock = context.wrap_socket(raw, server_hostname=host)

    def try_wrong(self, name: str) -> float:
        body = json.dumps({"username": name, "password": "certainly a wrong one"})
        begun = time.perf_counter()
        self._connection.request("POST", "/api/firstfactor", body, {"content-type": "application/json"})
        answer = self._connection.getresponse()
        text = answer.read()
        took = (time.perf_counter() - begun) * 1000
        if answer.status != 401:
            raise SystemExit(f"a wrong password of {name} was answered {answer.status}: {text!r}")
        return took
