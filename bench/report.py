"""Figures to read: medians with their spread, ratios, and whether the goals are met."""

import json
import statistics
import time
from pathlib import Path

import certificates
import load
import panel

# Goals that do not fail a run: issue texts set them, machines differ.
IDLE_RSS_GOAL_MIB = {"server": 40, "agent": 20}
TRANSFER_GROWTH_GOAL_MIB = 32
# How far apart a known and an unknown name may answer: less than what a network hides.
WRONG_PASSWORD_GOAL = 0.10
LIST_P99_GOAL_MS = 10
CREATION_RATIO_GOAL = 2
START_GOAL_SECONDS = 2
START_RSS_GOAL_MIB = 100
INSTALL_GOAL_SECONDS = 60
OWN_INSTALL_GOAL_SECONDS = 10
UNITS_GOAL_MIB = {"server": 64, "agent": 20}


def save(results: dict, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")


def text(results: dict) -> str:
    """All tables, readable on a terminal and as Markdown."""
    tables = [_machine(results)]
    for measured, table in [("idle", _memory), ("transfers", _transfers), ("requests", _requests),
                            ("wrong_passwords", _wrong_passwords), ("lists", _panel), ("starts", _starts), ("machines", _machines)]:
        if measured in results:
            tables.append(table(results))
    return "\n\n".join(tables)


def write_page(results: dict, path: Path) -> None:
    """`docs/performance.md`."""
    day = time.strftime("%Y-%m-%d")
    path.write_text(
        "# Performance\n\n"
        f"Measured by `cargo xtask bench --write` on {day}; the method stands in `bench/run.py`.\n"
        "Load, service and proxies share the machine's cores, so the ratios say more than the figures.\n\n"
        f"{text(results)}\n"
    )


def _machine(results: dict) -> str:
    lines = [f"- {name}: {value}" for name, value in results["machine"].items()]
    kinds = ("transfers", "requests", "lists", "creations", "starts")
    others = [sample["others"] for kind in kinds for sample in results.get(kind, [])] or [0]
    arguments = results["arguments"]
    lines.append(f"- samples: {arguments['repetitions']} of {arguments['seconds']} s; median (least to most)")
    lines.append(
        f"- other programs took {statistics.median(others):.0%} of the machine meanwhile, at most {max(others):.0%}"
        + ("; **a busy machine: read the ratios only**" if statistics.median(others) > 0.05 else ""))
    return "\n".join(lines)


def _memory(results: dict) -> str:
    rows = []
    for name, goal in IDLE_RSS_GOAL_MIB.items():
        idle = results["idle"][name]
        rows.append([f"{name}, idle", f"{idle['rss']:.1f}", f"{idle['pss']:.1f}", _goal(idle["rss"], goal)])
    for name in IDLE_RSS_GOAL_MIB:
        growth = results["transfer_memory"][name]["peak"] - results["idle"][name]["rss"]
        verdict = _goal(growth, TRANSFER_GROWTH_GOAL_MIB) if name == "server" else ""
        rows.append([f"{name}, growth at most during transfers", f"{growth:.1f}", "", verdict])
    for name in IDLE_RSS_GOAL_MIB:
        after = results["after"][name]
        rows.append([f"{name}, after all", f"{after['rss']:.1f}", f"{after['pss']:.1f}", ""])
    return _table(["memory, MiB", "RSS", "PSS", "goal"], rows)


def _transfers(results: dict) -> str:
    rows = []
    for kind in load.TRANSFERS:
        samples = [sample for sample in results["transfers"] if sample["kind"] == kind.name]
        rows.append([kind.title, *_pair(samples, "gbit_per_second", "{:.2f}"),
                     *_pair(samples, "cpu_per_gib", "{:.2f}", ratio=False)])
    return _table(
        ["transfer", "portlama Gbit/s", "nginx", "ratio", "portlama CPU-s/GiB", "nginx"], rows)


def _requests(results: dict) -> str:
    rows = []
    for cell in load.CELLS:
        samples = [sample for sample in results["requests"] if sample["kind"] == cell.name]
        rows.append([
            cell.title, *_pair(samples, "per_second", "{:,.0f}"),
            " / ".join(_pair(samples, "p50_ms", "{:.1f}", ratio=False, spread=False)),
            " / ".join(_pair(samples, "p99_ms", "{:.1f}", ratio=False, spread=False)),
            " / ".join(_pair(samples, "cpu_us", "{:.0f}", ratio=False, spread=False)),
        ])
    return _table(
        ["1 KiB", "portlama /s", "nginx /s", "ratio", "p50 ms", "p99 ms", "CPU µs each"], rows)


def _wrong_passwords(results: dict) -> str:
    figures = results["wrong_passwords"]
    rows = [
        [what, _spread(figures[key], "{:.1f}"), str(len(figures[key]))]
        for what, key in [("user exists", "known_ms"), ("user does not exist", "unknown_ms")]
    ]
    ratio = figures["ratio"]
    verdict = "met" if abs(ratio - 1) <= WRONG_PASSWORD_GOAL else "**not met**"
    return (_table(["wrong password, ms", "median", "samples"], rows)
            + f"\n\nRatio of the medians {ratio:.3f} (goal: within {WRONG_PASSWORD_GOAL:.0%}, {verdict}).")


def _panel(results: dict) -> str:
    lists, creations = results["lists"], results["creations"]
    of = lambda samples, key: [sample[key] for sample in samples]
    p99, ratio = of(lists, "p99_ms"), of(creations, "ratio")
    numbers = lambda tunnels: f"{tunnels[0]:,} to {tunnels[-1]:,}"
    rows = [
        [f"GET /api/tunnels, {panel.LISTED:,} tunnels: p50 ms", _spread(of(lists, "p50_ms"), "{:.2f}"), ""],
        ["p99 ms", _spread(p99, "{:.2f}"), _goal(statistics.median(p99), LIST_P99_GOAL_MS)],
        ["server CPU ms", _spread(of(lists, "cpu_ms"), "{:.2f}"), ""],
        [f"POST /api/tunnels, the tunnels {numbers(panel.FEW)}: ms", _spread(of(creations, "few_ms"), "{:.1f}"), ""],
        [f"the tunnels {numbers(panel.MANY)}: ms", _spread(of(creations, "many_ms"), "{:.1f}"), ""],
        ["ratio", _spread(ratio, "{:.2f}"), _goal(statistics.median(ratio), CREATION_RATIO_GOAL)],
        ["server CPU ms, few tunnels", _spread(of(creations, "cpu_few_ms"), "{:.1f}"), ""],
        ["server CPU ms, many tunnels", _spread(of(creations, "cpu_many_ms"), "{:.1f}"), ""],
    ]
    return (_table(["panel API, mutual TLS, kept connection", "median", "goal"], rows)
            + f"\n\nA sample of the list is {panel.LISTS} requests, one of creation the median of {len(panel.FEW)}; "
            "the method stands in `bench/panel.py`.")


def _starts(results: dict) -> str:
    of = lambda key: [sample[key] for sample in results["starts"]]
    seconds, rss = of("seconds"), of("rss")
    rows = [
        ["until it serves, s", _spread(seconds, "{:.2f}"), _goal(statistics.median(seconds), START_GOAL_SECONDS)],
        ["CPU until then, s", _spread(of("cpu_seconds"), "{:.2f}"), ""],
        ["RSS, MiB", _spread(rss, "{:.1f}"), _goal(statistics.median(rss), START_RSS_GOAL_MIB)],
        ["PSS, MiB", _spread(of("pss"), "{:.1f}"), ""],
        ["highest RSS, MiB", _spread(of("peak"), "{:.1f}"), ""],
    ]
    return _table([f"start with {certificates.HOSTS:,} hosts, a certificate each", "median", "goal"], rows)


def _machines(results: dict) -> str:
    figures = results["machines"]
    seconds, packages = figures["seconds"], figures["packages"]
    own = seconds - packages
    rows = [
        ["installation of a fresh machine, s", f"{seconds:.1f}", _goal(seconds, INSTALL_GOAL_SECONDS)],
        ["without the distribution's packages, s", f"{own:.1f}", _goal(own, OWN_INSTALL_GOAL_SECONDS)],
    ]
    for name, goal in UNITS_GOAL_MIB.items():
        units = figures[name]
        what = f"{name}, all processes of its units ({', '.join(units['processes'])})"
        rows.append([f"{what}, idle: RSS, MiB", f"{units['rss']:.1f}", _goal(units["rss"], goal)])
        rows.append(["PSS, MiB", f"{units['pss']:.1f}", ""])
    return _table(["Debian machine with systemd", "", "goal"], rows)


def _pair(samples: list, key: str, shape: str, ratio: bool = True, spread: bool = True) -> list[str]:
    """Portlama's figure, nginx's, and the median of their ratios in each repetition."""
    of = lambda target: [sample[key] for sample in samples if sample["target"] == target]
    ours, theirs = of("portlama"), of("nginx")
    show = _spread if spread else lambda values, shape: shape.format(statistics.median(values))
    cells = [show(ours, shape), show(theirs, shape)]
    if ratio:
        by_repetition = {}
        for one in samples:
            by_repetition.setdefault(one["repetition"], {})[one["target"]] = one[key]
        ratios = [both["portlama"] / both["nginx"] for both in by_repetition.values()]
        cells.append(f"{statistics.median(ratios):.2f}")
    return cells


def _spread(values: list, shape: str) -> str:
    show = lambda value: shape.format(value)
    return f"{show(statistics.median(values))} ({show(min(values))} to {show(max(values))})"


def _goal(value: float, goal: float) -> str:
    return f"≤ {goal}: " + ("met" if value <= goal else "**not met**")


def _table(head: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    line = lambda cells: "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |"
    return "\n".join([line(head), line(["-" * width for width in widths]), *map(line, rows)])
