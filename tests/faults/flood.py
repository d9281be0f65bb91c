"""A flood of SYNs, each from another place to another, with real conversations going on, in a sensor with its default settings
that may use 256 MiB of memory: the conversations are stored whole and by themselves, the flood becomes bundles, nothing is killed
for memory, the balance is exact."""

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


class Memory:
    """A memory cgroup (v1) that is there as long as the context."""

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


def size(case, short):
    """SYNs, the rate of sending them (0: as fast as it goes), conversations, seconds that these take."""
    if short:
        return 50_000, 25_000, 40, 2
    return 10_000_000, 0, 1000, 40


def flood(case, short):
    count, rate, talks, seconds = size(case, short)
    if not (CGROUP / "memory.limit_in_bytes").exists():
        case.skipped = "no cgroup v1 memory controller"
        return
    with Memory(LIMIT) as memory, rig.Lab() as lab:
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", lab.dir / "flood", pathlib.Path(__file__).with_suffix(".c")], check=True)
        watch = live.Live(lab, under=memory.under(), distinct=False)
        pids = watch.sensor.pids()
        mac = lab.sensor.run(["cat", f"/sys/class/net/{lab.sensor.dev}/address"]).stdout.strip()
        sender = lab.attacker.start([lab.dir / "flood", "a0", mac, count, rate], name="flood")
        watch.talk(talks, seconds / talks)
        peak = {}

        def ended(proc):
            peak.update({k: max(v, peak.get(k, 0)) for k, v in memory.use().items()})
            return proc.poll() is not None
        rig.wait_for(lambda: ended(sender), "the end of the flood", 1200, watch.sensor.up)
        took = float(sender.output())
        rig.wait_for(lambda: ended(watch.client), "the end of the connections", 90, watch.sensor.up)
        case.times = count
        case.require(len(watch.sent()) >= talks * 0.9, f"only {len(watch.sent())} of {talks} connections were accepted")
        stat = watch.sensor.bus.stat

        def all_done():
            ended(sender)
            return not watch.missing() and stat("flowagg")["flows"] >= count - stat("capture")["dropped_kernel"] and \
                stat("flowagg")["flows_open"] < OTHERS and \
                not any((lab.state / "spool" / "queue").rglob("*.pcap"))
        try:
            rig.wait_for(all_done, "records of all", 60 if short else 1200, watch.sensor.up)
        except rig.Timeout as problem:
            case.complain(f"{problem}", f"{stat('flowagg')} {stat('analyzer')} missing {len(watch.missing())}")
        case.lost = len(watch.missing())
        bundled = [n for n, path in watch.stored.items() if "bundle_" in path]
        case.require(not bundled, f"{len(bundled)} conversations are in bundles")
        ring = stat("capture").get("dropped_kernel", 0)
        counts = {k: stat("flowagg").get(k) for k in ("flows", "flows_bundled", "bundles", "evicted_plain", "evicted_data",
                                                      "files_delivered")}
        case.require(memory.killed() == 0, f"{memory.killed()} processes were killed for memory")
        case.require(watch.sensor.pids() == pids, "a service was restarted\n" + watch.sensor.up.tail())
        case.require(counts["files_delivered"] - counts["bundles"] <= talks + OTHERS, f"flood in files of its own: {counts}")
        case.require(counts["files_delivered"] <= FILES, f"{counts['files_delivered']} files")
        case.require(short or counts["evicted_plain"], "nothing was evicted: the flood was too slow to be one")
        case.note(f"{count / took:.0f} SYNs a second, {len(watch.sent())} conversations; the ring lost {ring}; {counts}; "
                  f"{watch.records} records")
        case.note("most memory, MiB: " + ", ".join(f"{k} {v >> 20}" for k, v in peak.items()) + "; at the end: " +
                  ", ".join(f"{s} {b >> 20}" for s, (b, _) in live.memory(watch.sensor).items()))
        watch.finish(case, whole=False)


CASES = {"flood": flood}
