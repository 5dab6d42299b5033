"""Figures to read: medians with their spread, ratios, and whether the goals are met."""

import json
import statistics
import time
from pathlib import Path

import load

# Goals that do not fail a run: issue texts set them, machines differ.
IDLE_RSS_GOAL_MIB = {"server": 40, "agent": 20}
TRANSFER_GROWTH_GOAL_MIB = 32
# How far apart a known and an unknown name may answer: less than what a network hides.
WRONG_PASSWORD_GOAL = 0.10


def save(results: dict, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")


def text(results: dict) -> str:
    """All tables, readable on a terminal and as Markdown."""
    return "\n\n".join([_machine(results), _memory(results), _transfers(results), _requests(results),
                        _wrong_passwords(results)])


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
    others = [sample["others"] for sample in results["transfers"] + results["requests"]]
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
