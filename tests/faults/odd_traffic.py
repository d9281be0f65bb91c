"""Traffic that no sane host sends, and clocks that jump, from capture files. Every packet is stored once, no flow
stays open for ever, and memory is bounded."""

import pathlib
import random
import re

import frames
from frames import ACK, PSH, SYN
from pipeline import SERVICES, Pipeline, crashed, rig

START = 1_790_000_000
MEMORY = 256 << 20


def peak(pid):
    """The most memory a process ever had, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())
    return int(found.group(1)) << 10


def through(case, packets, timeout=240, **more):
    """Feeds packets to all services; the pipeline's counters when everything is done."""
    with Pipeline() as p:
        path = p.dir / "in.pcap"
        frames.write(path, packets)
        procs = {s: p.start(s) for s in SERVICES}
        case.require(p.feed(path, *more.get("options", ()), timeout=timeout) == 0, p.procs[-1].tail())
        count = sum(1 for _ in packets) if not isinstance(packets, list) else len(packets)
        rig.wait_for(p.done, "the end of the work", timeout)
        top = {s: peak(proc.pid) for s, proc in procs.items()}
        for s, proc in procs.items():
            case.require(proc.poll() is None, f"{s} ended\n{proc.tail(6)}")
            case.require(proc.stop(30) == 0 and not crashed(proc), f"{s} did not end in order\n{proc.tail(6)}")
        now = p.now("flowagg")
        case.times += count
        case.lost += abs(count - now.get("total_sealed", 0) - sum(now.get(k, 0) for k in ("total_arp", "total_broken")))
        case.require(not now.get("packets_open") and not now.get("packets_bundled"),
                     f"still open: {now.get('packets_open')} packets, {now.get('packets_bundled')} in the bundle")
        said = p.audit()
        case.require(said.returncode == 0, said.stdout)
        case.require(max(top.values()) <= MEMORY, f"memory: {top}")
        case.note(", ".join(f"{s} {b >> 20} MiB" for s, b in top.items()) +
                  f"; {len(p.objects())} objects, {len(p.records())} records")
        return now, p.records()


def steps(count, step_ns):
    return (START * 10**9 + i * step_ns for i in range(count))


def opened(port, isn=1000):
    a, b = "10.0.0.1", "203.0.113.9"
    return [frames.tcp(a, port, b, 80, isn, 0, SYN), frames.tcp(b, 80, a, port, 77, isn + 1, SYN | ACK),
            frames.tcp(a, port, b, 80, isn + 1, 78, ACK)]


def holes(case, short):
    """One byte every 16 KiB of the stream."""
    n = 2000 if short else 60_000
    out = opened(4000) + [frames.tcp("10.0.0.1", 4000, "203.0.113.9", 80, 1001 + i * 16384, 78, ACK | PSH, b"x")
                          for i in range(n)]
    through(case, list(zip(steps(len(out), 10**6), out)))


def one_byte(case, short):
    n = 20_000 if short else 1_000_000
    out = opened(4001) + [frames.tcp("10.0.0.1", 4001, "203.0.113.9", 80, 1001 + i, 78, ACK | PSH, bytes([97 + i % 26]))
                          for i in range(n)]
    _, recs = through(case, list(zip(steps(len(out), 10**5), out)))
    stored = sum(r.get("payload_len", 0) for r in recs)
    case.require(stored >= min(n, 1 << 20) * 0.99, f"{stored} of {n} bytes in records")


def fragments(case, short):
    """First fragments, later fragments, overlapping ones; most never complete."""
    rnd = random.Random(1)
    n = 5000 if short else 500_000 if case.long else 150_000
    out = []
    for i in range(n):
        kind = rnd.randrange(3)
        offset = 0 if kind == 0 else rnd.randrange(1, 8000)
        out.append(frames.ip(f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}", "203.0.113.9", 17, bytes(24 if kind else 32),
                             ident=rnd.randrange(65536), frag=(0 if kind == 2 else 0x2000) | offset))
    # Nearly each is a flow, and of these each with data a file.
    through(case, list(zip(steps(n, 10**6), out)), timeout=240 + n // 500)


def all_ports(case, short):
    ports = range(0, 65536, 16 if short else 1)
    out = [frames.tcp("10.0.0.1", 40000, "203.0.113.9", port, 7, 0, SYN) for port in ports]
    through(case, list(zip(steps(len(out), 10**6), out)))


def endless(case, short):
    """Flows that say something every 50 s for hours: cut by age, never lost."""
    flows, rounds = (20, 200) if short else (200, 600)
    out = []
    for r in range(rounds):
        for f in range(flows):
            out.append(((START + r * 50) * 10**9 + f * 10**6, frames.tcp(
                "10.0.0.1", 1024 + f, "203.0.113.9", 80, 1000 + r, 1, ACK | PSH, b"k")))
    now, _ = through(case, out)
    case.require(now.get("ended_age", 0) >= flows, f"ended by age: {now.get('ended_age')}")


def clocks(case, short):
    """Steps of an hour both ways, times that run backwards, a leap second, and the seconds around 2038 and 2106."""
    n = 40 if short else 400
    plain = frames.conversations(n, every_s=1)
    half = len(plain) // 2
    ways = {
        "an hour ahead": plain[:half] + [(ns + 3600 * 10**9, f) for ns, f in plain[half:]],
        "an hour back": plain[:half] + [(ns - 3600 * 10**9, f) for ns, f in plain[half:]],
        "backwards": [(ns, f) for (ns, _), (_, f) in zip(reversed(plain), plain)],
        "a second twice": [(ns - (10**9 if ns > plain[half][0] else 0), f) for ns, f in plain],
        "2038": frames.conversations(n, start_s=2**31 - n // 2, every_s=1),
        "2106": frames.conversations(n, start_s=2**32 - 20_000, every_s=1),  # a pcap ends then, its last tick too
        "1970": frames.conversations(n, start_s=1, every_s=1),
    }
    for name, packets in ways.items():
        before = len(case.complaints), case.lost
        through(case, packets)
        if before != (len(case.complaints), case.lost):
            case.complain(f"the above is about: {name}")
        case.notes.clear()


CASES = {"odd-holes": holes, "odd-one-byte": one_byte, "odd-fragments": fragments, "odd-all-ports": all_ports,
         "odd-endless": endless, "odd-clocks": clocks}
