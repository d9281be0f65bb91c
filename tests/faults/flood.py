"""Floods from random sources to random targets during real conversations, on a sensor with default settings and
256 MiB of memory. The conversations are stored completely, each in its own file; no process is killed for memory;
the balance is exact.

flood: SYNs, which become bundles. flood-data: one source per connection; all complete the handshake and send
data, and some send as much as the analyzer keeps of one flow."""

import contextlib
import hashlib
import json
import os
import pathlib
import subprocess
import time

import pipeline  # sets the path to the rig
import live
import rig

LIMIT = 256 << 20
FILES = 10_000
OTHERS = 100  # flows that the namespaces' own neighbour discovery makes, at most
CGROUP = pathlib.Path("/sys/fs/cgroup/memory")


BIG_PORT, BIG_BYTES = 9000, 16 << 20
# Sends a file to ADDRESS PORT at 4 MiB a second: faster, and a busy disk's journal lets the ring run full.
SENDER = """
import socket, sys, time
s = socket.create_connection((sys.argv[2], int(sys.argv[3])), 30)
with open(sys.argv[1], "rb") as f:
    while part := f.read(1 << 16):
        s.sendall(part)
        time.sleep(1 / 64)
"""


class Memory:
    """A memory cgroup (v1) that exists during the context."""

    def __init__(self, limit):
        self.dir = CGROUP / f"lurker-faults-{os.getpid()}"
        self.limit = limit

    def __enter__(self):
        self.dir.mkdir()
        (self.dir / "memory.limit_in_bytes").write_text(str(self.limit))
        return self

    def under(self):
        """A command that puts itself in here and then becomes what its arguments say. In a network namespace of `ip netns`
        /sys is another one: ours is seen through us."""
        return ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', f"/proc/{os.getpid()}/root{self.dir}"]

    def killed(self):
        words = (self.dir / "memory.oom_control").read_text().split()
        return int(words[words.index("oom_kill") + 1])

    def use(self):
        """{what: bytes}: of processes, of files in memory (which give way), and of the kernel for them."""
        stat = dict(line.split() for line in (self.dir / "memory.stat").read_text().splitlines())
        return {"processes": int(stat["rss"]), "files": int(stat["cache"]),
                "kernel": int((self.dir / "memory.kmem.usage_in_bytes").read_text())}

    def __exit__(self, *_):
        for _ in range(50):
            try:
                return self.dir.rmdir()
            except OSError:
                time.sleep(0.1)


def sender(lab, *options):
    """Starts `flood` from the attacker, with what comes after its MAC address."""
    if not (lab.dir / "flood").exists():
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", lab.dir / "flood", pathlib.Path(__file__).with_suffix(".c")], check=True)
    mac = lab.sensor.run(["cat", f"/sys/class/net/{lab.sensor.dev}/address"]).stdout.strip()
    return lab.attacker.start([lab.dir / "flood", "a0", mac, *options], name="flood")


class Flood:
    """A sensor in so much memory, a sender of `flood`, conversations, and the most memory that all had so far."""

    def __init__(self, case, lab, memory):
        self.case, self.lab, self.memory = case, lab, memory
        self.watch = live.Live(lab, under=memory.under(), distinct=False)
        self.pids = self.watch.sensor.pids()
        self.stat = self.watch.sensor.bus.stat
        self.peak, self.peaks = {}, {}

    def look(self):
        self.peak.update({k: max(v, self.peak.get(k, 0)) for k, v in self.memory.use().items()})
        self.peaks.update({s: max(b, self.peaks.get(s, 0)) for s, (b, _) in live.memory(self.watch.sensor).items()})

    def wait(self, done, what, seconds):
        def looked():
            self.look()
            return done()
        rig.wait_for(looked, what, seconds, self.watch.sensor.up)

    def wait_all(self, flows, seconds):
        """Until there are records of the conversations and of so many flows more, but for what the ring lost, and all is
        worked off."""
        def done():
            return not self.watch.missing() and self.stat("flowagg")["flows"] >= flows - self.stat("capture")["dropped_kernel"] and \
                self.stat("flowagg")["flows_open"] < OTHERS and not any((self.lab.state / "spool" / "queue").rglob("*.pcap"))
        try:
            self.wait(done, "records of all", seconds)
        except rig.Timeout as problem:
            self.case.complain(f"{problem}",
                               f"{self.stat('flowagg')} {self.stat('analyzer')} missing {len(self.watch.missing())}")
        self.case.lost = len(self.watch.missing())

    def end(self, words, counts):
        """words: for the note."""
        case = self.case
        bundled = [n for n, path in self.watch.stored.items() if "bundle_" in path]
        case.require(not bundled, f"{len(bundled)} conversations are in bundles")
        case.require(self.memory.killed() == 0, f"{self.memory.killed()} processes were killed for memory")
        case.require(self.watch.sensor.pids() == self.pids, "a service was restarted\n" + self.watch.sensor.up.tail())
        case.note(f"{words}, {len(self.watch.sent())} conversations; the ring lost {self.stat('capture').get('dropped_kernel', 0)}; "
                  f"{counts}; {self.watch.records} records")
        case.note("most memory, MiB: " + ", ".join(f"{k} {v >> 20}" for k, v in self.peak.items()) + "; of these, without rings: " +
                  ", ".join(f"{s} {b >> 20}" for s, b in self.peaks.items()))
        self.watch.finish(case, whole=False)


@contextlib.contextmanager
def begun(case):
    """The Flood of a case; None when it cannot be tried here."""
    if not (CGROUP / "memory.limit_in_bytes").exists():
        case.skipped = "no cgroup v1 memory controller"
        yield None
        return
    with Memory(LIMIT) as memory, rig.Lab() as lab:
        yield Flood(case, lab, memory)


def size(case, short):
    """SYNs, the rate of sending them (0: as fast as it goes), conversations, seconds that these take."""
    if short:
        return 50_000, 25_000, 40, 2
    return 10_000_000, 0, 1000, 40


def flood(case, short):
    count, rate, talks, seconds = size(case, short)
    with begun(case) as f:
        if not f:
            return
        syns = sender(f.lab, count, rate)
        f.watch.talk(talks, seconds / talks)
        f.wait(lambda: syns.poll() is not None, "the end of the flood", 1200)
        took = float(syns.output())
        f.wait(lambda: f.watch.client.poll() is not None, "the end of the connections", 90)
        case.times = count
        case.require(len(f.watch.sent()) >= talks * 0.9, f"only {len(f.watch.sent())} of {talks} connections were accepted")
        f.wait_all(count, 60 if short else 1200)
        counts = {k: f.stat("flowagg").get(k) for k in ("flows", "flows_bundled", "bundles", "evicted_plain", "evicted_data",
                                                        "files_delivered")}
        case.require(counts["files_delivered"] - counts["bundles"] <= talks + OTHERS, f"flood in files of its own: {counts}")
        case.require(counts["files_delivered"] <= FILES, f"{counts['files_delivered']} files")
        case.require(short or counts["evicted_plain"], "nothing was evicted: the flood was too slow to be one")
        f.end(f"{count / took:.0f} SYNs a second", counts)


def big_ones(state, digest):
    """Of what was sent to BIG_PORT: bytes in records, and records that have one payload whole."""
    total = whole = 0
    for path in (state / "records" / "analysis").glob("*.jsonl"):
        with open(path, "rb") as lines:
            for line in lines:
                if b'"dst_port":%d,' % BIG_PORT in line and b'"proto":"tcp"' in line:
                    r = json.loads(line)
                    total += r["payload_len"]
                    whole += r["payload_sha256"] == digest
    return total, whole


def flood_data(case, short):
    count, rate, talks, big = (1000, 1000, 20, 1) if short else (20_000, 1000, 300, 6)
    with begun(case) as f:
        if not f:
            return
        data = os.urandom(BIG_BYTES)
        (f.lab.dir / "big").write_bytes(data)
        syns = sender(f.lab, count, rate, 400)
        f.watch.talk(talks, count / rate / talks)
        clients = [f.lab.attacker.start(["/usr/bin/python3", "-c", SENDER, f.lab.dir / "big", f"203.0.113.{100 + n}", BIG_PORT],
                                        name=f"big{n}") for n in range(big)]
        f.wait(lambda: syns.poll() is not None, "the end of the flood", 120)
        f.wait(lambda: all(c.poll() is not None for c in (*clients, f.watch.client)), "the end of the connections", 90)
        took, answered = map(float, syns.output().split())
        case.times = int(answered)
        case.require(answered >= count * 0.9, f"only {answered:.0f} of {count} SYNs were answered")
        case.require(len(f.watch.sent()) >= talks * 0.9, f"only {len(f.watch.sent())} of {talks} connections were accepted")
        case.require(not any(c.poll() for c in clients), "a large payload was not taken")
        f.wait_all(count + big, 120)
        digest = hashlib.sha256(data).hexdigest()
        with contextlib.suppress(rig.Timeout):  # told by what is required below
            f.wait(lambda: big_ones(f.lab.state, digest)[0] >= big * BIG_BYTES, "records of the large payloads", 60)
        total, whole = big_ones(f.lab.state, digest)
        case.require(total >= big * BIG_BYTES, f"{total} bytes of {big} payloads of {BIG_BYTES} are in records")
        counts = {k: f.stat("flowagg").get(k) for k in ("flows", "flows_bundled", "evicted_plain", "evicted_data", "files_delivered")}
        f.end(f"{count / took:.0f} connections with data a second, {whole} of {big} payloads of {BIG_BYTES >> 20} MiB in one record",
              counts)


CASES = {"flood": flood, "flood-data": flood_data}
