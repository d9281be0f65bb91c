#!/usr/bin/python3
"""Measures the whole sensor under a flood, generator included, on all cores: packets offered, answered, captured and kept.

  bench/sensor.py [RATE] [SECONDS]      default 100000 SYNs a second for 60 seconds

Every SYN has its own source address, so each is a flow. `lurker audit` then checks that every packet is
accounted for. CPU is the time of each service during the flood; data that waits on disk (mostly bundles that the analyzer has not read) is worked off afterwards.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "scenario" / "lib"))
import measure
import rig
import sensor as sensors

t = rig.Report("sensor")
rig.require(t, "cc", "nft", programs=["lurker", *(f"lurker-{s}" for s in sensors.SERVICES)])


def received(lab):
    return int(lab.attacker.run(["cat", "/sys/class/net/a0/statistics/rx_packets"]).stdout)


def settled(read, what):
    """Returns the value of read() once it has not changed for a second."""
    last = [None, time.monotonic()]

    def same():
        now = read()
        if now != last[0]:
            last[:] = [now, time.monotonic()]
        return time.monotonic() - last[1] > 1
    rig.wait_for(same, what, 60)
    return last[0]


def main(rate, seconds):
    with rig.Lab() as lab:
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-D_DEFAULT_SOURCE", "-o", lab.dir / "flood",
                        ROOT / "bench" / "responder_flood.c"], check=True)
        sensor = sensors.Sensor(lab).start()
        mac = lab.sensor.run(["cat", "/sys/class/net/s0/address"]).stdout.strip()
        pids, before = sensor.pids(), received(lab)
        cpu = {name: measure.cpu_ns(pid) for name, pid in pids.items()}
        flood = json.loads(lab.attacker.run([lab.dir / "flood", "a0", mac, rate, seconds], timeout=seconds + 60).stdout)
        used = {name: (measure.cpu_ns(pid) - cpu[name]) / 1e9 / flood["seconds"] for name, pid in pids.items()}
        memory = {name: sum(measure.pss(pid)) / 2**20 for name, pid in pids.items()}
        answers = settled(lambda: received(lab), "the last answer") - before
        captured = settled(lambda: sensor.bus.stat("capture")["packets"], "the last packet captured")
        stat = {name: sensor.bus.stat(name) for name in sensors.SERVICES}
        sensor.stop(120)
        audit = lab.sensor.run([rig.program("lurker"), "audit", "-c", sensor.config], check=False, timeout=300)
    sent = flood["sent"]
    row = {"bench": "sensor", "seconds": flood["seconds"], "offered_s": round(sent / flood["seconds"]), "sent": sent,
           "answered": round(answers / sent, 5), "captured": round(captured / (sent + answers), 5),
           "flows": stat["flowagg"]["flows"], "files": stat["flowagg"]["files_delivered"],
           "responder_ring_drops": stat["responder"].get("kernel_drops", 0), "capture_ring_drops": stat["capture"].get("dropped_kernel", 0),
           "accounted": audit.returncode == 0}
    print(f"{row['offered_s']} SYN/s for {flood['seconds']:.0f} s: {row['answered']:.3%} answered "
          f"({row['responder_ring_drops']} lost before the responder), {row['captured']:.3%} of both directions captured "
          f"({row['capture_ring_drops']} lost before capture), {row['flows']} flows, in {row['files']} files so far; "
          f"audit: {'every packet accounted for' if row['accounted'] else 'NOT balanced'}")
    print(f"{'':12}{'CPU':>8}{'MiB with rings':>16}")
    for name in used:
        print(f"{name:12}{used[name]:>8.1%}{memory[name]:>16.1f}")
        row[name] = {"cpu": round(used[name], 4), "mib": round(memory[name], 1)}
    print(json.dumps(row))
    if not row["accounted"]:
        print(audit.stdout)
    return 0 if row["accounted"] else 1


sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, float(sys.argv[2]) if len(sys.argv) > 2 else 60))
