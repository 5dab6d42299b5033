"""A server with thousands of host names, each with a certificate of its own: how long its start
takes, and how much memory it then holds.

The first start, which is not measured, lets the server's own authority issue the certificates.
Then it is started again and again; the time ends when a visitor of the last host has an answer
over TLS. Memory is read after the work of start-up is over. The files are in the page cache.
"""

import time
from pathlib import Path

import machine
from server import Server

HOSTS = 5_000
SETTLE_SECONDS = 3


def starts(binary: Path, folder: Path, repetitions: int) -> list[dict]:
    server = Server(binary, folder / "certificates", HOSTS)
    try:
        server.start()
        server.stop()
        _each_has_its_own(server)
        return [_start(server) for _ in range(repetitions)]
    finally:
        server.stop()


def _start(server: Server) -> dict:
    seconds = server.start()
    pid = server.process.pid
    cpu = machine.cpu_seconds(pid)
    with machine.Meter({}) as meter:
        time.sleep(SETTLE_SECONDS)
    memory = machine.memory(pid)
    server.stop()
    return {"seconds": seconds, "cpu_seconds": cpu, **memory, "others": meter.others}


def _each_has_its_own(server: Server) -> None:
    chains = {path.read_text() for path in (server.state / "certificates").glob("app-*/fullchain.pem")}
    if len(chains) != HOSTS:
        raise SystemExit(f"{len(chains)} of {HOSTS} hosts have a certificate of their own{server.logs()}")
