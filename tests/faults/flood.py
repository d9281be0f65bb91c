"""A flood of SYNs from random sources, with real conversations going on, in a sensor that may use 256 MiB of memory: the
conversations are stored whole, the flood becomes bundles, nothing is killed for memory, the balance is exact."""

import json
import os
import pathlib
import subprocess
import time

import pipeline  # sets the path to the rig
import live
import rig

LIMIT = 256 << 20
# Sized for that limit: the defaults alone let flowagg have 128 MiB of packets in 262,144 flows.
SMALL = {"flowagg": {"max_bytes": "48MiB", "max_flow_bytes": "16MiB", "max_flows": 65536}, "capture": {"ring": "16MiB"}}
CGROUP = pathlib.Path("/sys/fs/cgroup/memory")


class Memory:
    """A memory cgroup (v1) for processes that run already and what they start."""

    def __init__(self, limit):
        self.dir = CGROUP / f"lurker-faults-{os.getpid()}"
        self.dir.mkdir()
        (self.dir / "memory.limit_in_bytes").write_text(str(limit))

    def add(self, *pids):
        for pid in pids:
            (self.dir / "cgroup.procs").write_text(str(pid))

    def killed(self):
        words = (self.dir / "memory.oom_control").read_text().split()
        return int(words[words.index("oom_kill") + 1]) if "oom_kill" in words else 0

    def close(self):
        for _ in range(50):
            try:
                self.dir.rmdir()
                return
            except OSError:
                time.sleep(0.1)


def build(lab):
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", lab.dir / "flood", rig.ROOT / "bench" / "responder_flood.c"],
                   check=True)


def flood(case, short):
    # SYNs a second and seconds; 0: as fast as the generator goes.
    rate, seconds, talks = (25_000, 2, 40) if short else (0, 40, 1000) if case.long else (0, 4, 400)
    if not (CGROUP / "memory.limit_in_bytes").exists():
        case.skipped = "no cgroup v1 memory controller"
        return
    memory = Memory(LIMIT)
    try:
        with rig.Lab() as lab:
            build(lab)
            watch = live.Live(lab, SMALL)
            pids = watch.sensor.pids()
            memory.add(watch.sensor.up.pid, *pids.values())
            watch.talk(talks, max(seconds, 2) / talks)
            time.sleep(0.3)
            mac = lab.sensor.run(["cat", f"/sys/class/net/{lab.sensor.dev}/address"]).stdout.strip()
            said = lab.attacker.run([lab.dir / "flood", "a0", mac, rate, seconds], timeout=seconds + 30).stdout
            case.times = json.loads(said)["sent"]
            rig.wait_for(lambda: watch.client.poll() is not None, "the end of the connections", 90)
            accepted = len(watch.sent())
            case.require(accepted >= talks * 0.9, f"only {accepted} of {talks} connections were accepted")
            dropped = watch.sensor.bus.stat("capture").get("dropped_kernel", 0)
            try:
                rig.wait_for(lambda: not watch.missing(), "records of the connections", 60 if short else 240, watch.sensor.up)
            except rig.Timeout:
                pass
            gone = watch.missing()
            case.lost = len(gone)
            use = live.memory(watch.sensor)
            counts = {k: watch.sensor.bus.stat("flowagg").get(k) for k in ("flows", "bundles", "evicted_plain", "evicted_data",
                                                                          "files_delivered")}
            case.require(memory.killed() == 0, f"{memory.killed()} processes were killed for memory")
            case.require(watch.sensor.pids() == pids, "a service was restarted\n" + watch.sensor.up.tail())
            case.require(counts["files_delivered"] <= 10_000 + talks, f"{counts['files_delivered']} files")
            case.note(f"{case.times / seconds:.0f} SYNs a second, {accepted} connections; the ring lost {dropped}; {counts}; MiB "
                      + ", ".join(f"{s} {b >> 20}" for s, (b, _) in use.items()))
            watch.client = None
            watch.finish(case, whole=False)
    finally:
        memory.close()


CASES = {"flood": flood}
