#!/usr/bin/python3
"""The cost of an idle sensor: memory (proportional set size) and CPU time of all its processes."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import measure
import rig
import sensor as sensors

SECONDS = 20
PLAIN_LIMIT, ALL_LIMIT, CPU_LIMIT = 32 << 20, 96 << 20, 0.01

t = rig.Report("sensor_idle")
rig.require(t, programs=["lurker", *(f"lurker-{s}" for s in sensors.SERVICES)])

with t, rig.Lab() as lab:
    sensor = sensors.Sensor(lab, {"flowagg": {"idle_timeout_s": 60}}).start()
    pids = {**sensor.pids(), "up": sensor.up.pid}
    t.check("all services run", set(sensors.SERVICES) < set(pids), pids)
    before = {name: measure.cpu_ns(pid) for name, pid in pids.items()}
    start = time.monotonic()
    time.sleep(SECONDS)  # the measurement itself
    spent = time.monotonic() - start
    cpu = {name: (measure.cpu_ns(pid) - before[name]) / 1e9 / spent for name, pid in pids.items()}
    memory = {name: measure.pss(pid) for name, pid in pids.items()}
    for name in sorted(pids):
        plain, ring = memory[name]
        t.note(f"{name:<10} {plain / 2**20:6.1f} MiB, rings {ring / 2**20:5.1f} MiB, {cpu[name] * 100:5.2f}% of a core")
    plain, ring = sum(m[0] for m in memory.values()), sum(m[1] for m in memory.values())
    t.note(f"{'sum':<10} {plain / 2**20:6.1f} MiB, rings {ring / 2**20:5.1f} MiB, {sum(cpu.values()) * 100:5.2f}% of a core")
    t.check(f"memory without packet rings is below {PLAIN_LIMIT >> 20} MiB", plain < PLAIN_LIMIT, f"{plain / 2**20:.1f}")
    t.check(f"memory with packet rings is below {ALL_LIMIT >> 20} MiB", plain + ring < ALL_LIMIT,
            f"{(plain + ring) / 2**20:.1f}")
    t.check("the packet rings were seen", ring > 1 << 20, ring)
    t.check(f"processor time is below {CPU_LIMIT:.0%} of a core", sum(cpu.values()) < CPU_LIMIT, cpu)
