"""Memory and CPU time of processes, from /proc."""

import os
import pathlib


def children(pid):
    """pid and all its descendants, pid first."""
    parents = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it ended meanwhile
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        each = todo.pop(0)
        found.append(each)
        todo += parents.get(each, [])
    return found


def program_name(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode().rsplit("/", 1)[-1]


def pss(pid):
    """(bytes without packet rings, bytes of packet rings): proportional set size. A ring is a mapping of a socket."""
    plain = ring = 0
    in_ring = False
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        word = line.split()
        if not word[0].endswith(":"):
            in_ring = len(word) > 5 and word[5].startswith("socket:")
        elif word[0] == "Pss:":
            if in_ring:
                ring += int(word[1]) * 1024
            else:
                plain += int(word[1]) * 1024
    return plain, ring


def cpu_ns(pid):
    """CPU time of all threads of pid, in ns."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except OSError:
            tick = os.sysconf("SC_CLK_TCK")
            fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) * 1_000_000_000 // tick
    return total
