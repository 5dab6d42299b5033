#!/usr/bin/env python3
"""Measures the shipped binary beside nginx as a plain TLS proxy, in one interleaved run.

`cargo xtask bench` builds the binary and calls this. Needs nginx, h2load, curl and openssl.
Everything happens on loopback, in a network namespace of its own where that is allowed.

The whole path (visitor HTTPS, signed-in check, tunnel, app) stands beside nginx without tunnel
and without sign-in: the least that any HTTPS in front of the same service can cost. Each
repetition visits every target once, in turn, so that drift of the machine hits all of them;
ratios are medians of the ratios within one repetition. What an admin waits for stands in
`panel.py`, a start with many certificates in `certificates.py`. Installation and idle memory on
machines with a systemd of their own are measured by `apps/portlama/tests/figures.rs`.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import certificates
import load
import machine
import nginx
import panel
import report
from demo import Demo

# Long enough for the work of start-up to be over.
SETTLE_SECONDS = 3


def main() -> None:
    arguments = parse()
    # Ends by a signal pass through `finally`, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    own_network = machine.enter_own_network()
    # Beside the binary: a temporary directory may lie in memory, and states belong on a disk.
    home = arguments.binary.parent.parent / "bench"
    home.mkdir(exist_ok=True)
    facts = machine.facts(own_network) | {"file system of the states": machine.file_system(home)}
    results = {"machine": facts, "arguments": vars(arguments) | {"binary": str(arguments.binary)}}
    with tempfile.TemporaryDirectory(prefix="run.", dir=home) as folder:
        for part, measure in PARTS.items():
            if arguments.only in (None, part):
                measure(arguments, Path(folder), results)
    path = home / "results.json"
    report.save(results, path)
    print(report.text(results))
    print(f"\nAll samples: {path}")
    if arguments.write:
        report.write_page(results, Path(__file__).parent.parent / "docs/performance.md")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures Portlama beside nginx.")
    parser.add_argument("--seconds", type=int, default=5, help="length of one sample of requests")
    parser.add_argument("--repetitions", type=int, default=5, help="samples of each kind")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--only", choices=PARTS, help="one part alone")
    which.add_argument("--write", action="store_true", help="write docs/performance.md")
    parser.add_argument(
        "--binary", type=Path, default=os.environ.get("PORTLAMA_BINARY"),
        help="the release build [default: $PORTLAMA_BINARY]")
    arguments = parser.parse_args()
    if arguments.binary is None or not arguments.binary.is_file():
        parser.error("which binary? Run `cargo xtask bench`, or set PORTLAMA_BINARY")
    arguments.binary = arguments.binary.resolve()
    return arguments


def visitors(arguments: argparse.Namespace, folder: Path, results: dict) -> None:
    started = []
    try:
        origin, origin_port = nginx.start_origin(folder)
        started.append(origin)
        demo = Demo(arguments.binary, folder)
        started.append(demo.process)
        say("idle")
        time.sleep(SETTLE_SECONDS)
        results["idle"] = {name: machine.memory(pid) for name, pid in demo.pids.items()}
        sink = load.Sink()
        proxy, proxy_port = nginx.start_proxy(folder, origin_port, sink.port)
        started.append(proxy)
        targets = [open_tunnels(demo, origin_port, sink.port), plain_proxy(folder, proxy_port)]
        pids = {"portlama": demo.pids, "nginx": {"nginx": proxy.pid}}
        results["transfers"] = transfers(arguments, targets, pids, folder, demo, results)
        results["requests"] = requests(arguments, targets, pids, folder)
        say("wrong passwords")
        results["wrong_passwords"] = load.wrong_passwords(demo)
        results["after"] = {name: machine.memory(pid) for name, pid in demo.pids.items()}
    finally:
        for process in reversed(started):
            machine.stop(process)


def admin(arguments: argparse.Namespace, folder: Path, results: dict) -> None:
    say(f"the list of {panel.LISTED:,} tunnels")
    results["lists"] = panel.lists(arguments.binary, folder, arguments.repetitions)
    say(f"one tunnel more, of {panel.MANY[0]:,} and of {panel.FEW[0]}")
    results["creations"] = panel.creations(arguments.binary, folder, arguments.repetitions)


def starts(arguments: argparse.Namespace, folder: Path, results: dict) -> None:
    say(f"starts with {certificates.HOSTS:,} certificates")
    results["starts"] = certificates.starts(arguments.binary, folder, arguments.repetitions)


def machines(arguments: argparse.Namespace, folder: Path, results: dict) -> None:
    """What `cargo xtask bench` measured on booted machines, where these can be booted."""
    figures = os.environ.get("PORTLAMA_FIGURES")
    if figures:
        results["machines"] = json.loads(Path(figures).read_text())


def open_tunnels(demo: Demo, origin_port: int, sink_port: int) -> load.Target:
    """The whole path, as a visitor who signed in with both factors."""
    demo.tunnel("bench", origin_port)
    demo.tunnel("sink", sink_port)
    demo.sign_in()
    return load.Target(
        "portlama", demo.host("bench"), demo.host("sink"), demo.port, Path(demo.ready["caCert"]),
        demo.cookie("bench", nginx.SMALL), demo.cookie("sink", "/"),
    )


def plain_proxy(folder: Path, port: int) -> load.Target:
    """nginx for the same service; it gets a cookie of a like size."""
    cookie = "session=" + "x" * 60
    return load.Target("nginx", nginx.NAME, nginx.NAME, port, folder / "proxy.crt", cookie, cookie)


def transfers(arguments, targets, pids, folder: Path, demo: Demo, results: dict) -> list[dict]:
    """Large bodies, and the highest RSS of server and agent meanwhile."""
    for pid in demo.pids.values():
        machine.forget_peak(pid)
    samples = []
    for kind in load.TRANSFERS:
        for repetition, target in turns(arguments, targets):
            say(f"{kind.title}: {target.name} {repetition + 1}/{arguments.repetitions}")
            figures = load.transfer(target, kind, pids[target.name], folder / "files" / nginx.LARGE[1:])
            samples.append(sample(kind.name, repetition, target, figures))
    results["transfer_memory"] = {name: machine.memory(pid) for name, pid in demo.pids.items()}
    return samples


def requests(arguments, targets, pids, folder: Path) -> list[dict]:
    """Small requests."""
    samples = []
    for cell in load.CELLS:
        for repetition, target in turns(arguments, targets):
            say(f"{cell.title}: {target.name} {repetition + 1}/{arguments.repetitions}")
            figures = load.requests(target, cell, arguments.seconds, pids[target.name], folder)
            samples.append(sample(cell.name, repetition, target, figures))
    return samples


def sample(kind: str, repetition: int, target: load.Target, figures: dict) -> dict:
    return {"kind": kind, "target": target.name, "repetition": repetition, **figures}


def turns(arguments, targets):
    """Every target once in each repetition, another one first each time."""
    for repetition in range(arguments.repetitions):
        first = repetition % len(targets)
        for target in targets[first:] + targets[:first]:
            yield repetition, target


# What `--only` chooses from.
PARTS = {"visitors": visitors, "panel": admin, "certificates": starts, "machines": machines}


def say(what: str) -> None:
    print(f"· {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
