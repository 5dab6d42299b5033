"""The machine under the measurement: a network of our own, processes, their time and memory."""

import ctypes
import fcntl
import os
import platform
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
CORES = len(os.sched_getaffinity(0))

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)

# Congestion control is the kernel's default otherwise, and BBR paces even loopback: what is
# measured then is its pacing.
CONGESTION_CONTROL = "reno"


def enter_own_network() -> bool:
    """Moves this process and its children into a network namespace with nothing but loopback,
    so that the congestion control is the same everywhere and no port can clash. False where
    that is not allowed."""
    flags = CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWUSER | CLONE_NEWNET
    user, group = os.getuid(), os.getgid()
    if LIBC.unshare(flags) != 0:
        return False
    if flags & CLONE_NEWUSER:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    with socket.socket() as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        name, up = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", name, up | IFF_UP))
    for setting, value in [
        ("tcp_congestion_control", CONGESTION_CONTROL),
        # Thousands of connections a second leave as many ports in TIME-WAIT.
        ("ip_local_port_range", "10000 65000"),
    ]:
        try:
            Path(f"/proc/sys/net/ipv4/{setting}").write_text(value)
        except OSError:
            pass
    return True


def facts(own_network: bool) -> dict:
    """What a reader must know to compare the figures."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")),
        platform.machine(),
    )
    return {
        "cores": CORES,
        "cpu": cpu,
        "memory GiB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "congestion control": Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip(),
        "network": "own namespace, loopback" if own_network else "the machine's loopback",
    }


def file_system(path: Path) -> str:
    """The kind of file system a path lies on (proc(5), mountinfo)."""
    holding = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    above = [(len(point), kind) for _, point, kind, *_ in holding if path.is_relative_to(point)]
    return max(above)[1]


def start(argv: list, **options) -> subprocess.Popen:
    """Starts a process that ends with this one."""
    return subprocess.Popen(
        [str(word) for word in argv],
        stdin=subprocess.DEVNULL,
        preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM),
        **options,
    )


def stop(process: subprocess.Popen) -> None:
    """Asks a process to end, and ends it after the time a server may drain."""
    process.terminate()
    try:
        process.wait(45)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_port(port: int, process: subprocess.Popen, limit: float = 10) -> None:
    """Until something listens there."""
    end = time.monotonic() + limit
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"nothing listens on port {port}: {process.args}") from None
            time.sleep(0.02)


def _times(pid: int) -> tuple[float, float, int]:
    """User and system seconds of a live process, its waited children included, and its parent."""
    text = Path(f"/proc/{pid}/stat").read_text()
    fields = text[text.rindex(")") + 2:].split()
    user, system = int(fields[11]) + int(fields[13]), int(fields[12]) + int(fields[14])
    return user / TICKS, system / TICKS, int(fields[1])


def cpu_seconds(pid: int) -> float:
    """CPU time a process has used."""
    user, system, _ = _times(pid)
    return user + system


def tree(root: int) -> list[int]:
    """A process and all below it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = _times(int(entry.name))[2]
            except (OSError, ValueError):
                pass  # It ended meanwhile.
    found, added = {root}, True
    while added:
        new = {pid for pid, parent in parents.items() if parent in found} - found
        found, added = found | new, bool(new)
    return sorted(found)


def memory(pid: int) -> dict:
    """RSS and PSS of a process now, and its highest RSS so far, MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    read = lambda text, key: next(
        int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith(key + ":")
    )
    return {"rss": read(status, "VmRSS"), "peak": read(status, "VmHWM"), "pss": read(rollup, "Pss")}


def forget_peak(pid: int) -> None:
    """Lets the highest RSS start again from the present one (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


class Meter:
    """CPU time of some processes over a span, and what share of the machine others took."""

    def __init__(self, pids: dict):
        self.pids = pids

    def __enter__(self):
        self._cpu = {name: self._used(pid) for name, pid in self.pids.items()}
        self._machine, self._own = _machine_user(), _own_user()
        self._begun = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self._begun
        self.cpu = {name: self._used(pid) - self._cpu[name] for name, pid in self.pids.items()}
        others = _machine_user() - self._machine - (_own_user() - self._own)
        self.others = max(0.0, others / self.seconds / CORES)

    @staticmethod
    def _used(pid: int) -> float:
        return sum(cpu_seconds(one) for one in tree(pid))


def _machine_user() -> float:
    user, nice = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:3]
    return (int(user) + int(nice)) / TICKS


def _own_user() -> float:
    total = 0.0
    for pid in tree(os.getpid()):
        try:
            total += _times(pid)[0]
        except OSError:
            pass
    return total
