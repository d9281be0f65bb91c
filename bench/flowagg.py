#!/usr/bin/python3
"""Compares capture and flowagg with `tcpdump -w` on the same wire in the same run: packets kept, and the cost
of each.

A generator in one namespace (one core) floods a veth pair with SYNs of 74 bytes from random sources. Each
SYN is a new flow: the worst case for flow tracking. On the other core runs either tcpdump, which writes one
file, or capture and flowagg, which number, journal, publish, track, bundle, flush and link. Both have a
ring of 32 MiB. `kept` counts the packets that flowagg read; the kernel counts the losses of both rings.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "scenario" / "lib"))
import measure
import rig

SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
RATES = (50000, 100000, 200000, 300000, 0)
t = rig.Report("flowagg")
rig.require(t, "cc", "tcpdump", "taskset", programs=["lurker-capture", "lurker-flowagg"])
CORES = sorted(os.sched_getaffinity(0))
GENERATOR, SENSOR = CORES[0], CORES[-1]


def flood(lab, mac, rate):
    out = lab.attacker.run(["taskset", "-c", GENERATOR, lab.dir / "flood", "a0", mac, rate, SECONDS],
                           timeout=SECONDS + 30)
    return json.loads(out.stdout)


def pid_of(proc, name):
    return rig.wait_for(lambda: next((p for p in measure.children(proc.pid) if measure.program_name(p) == name), 0), name)


def quiet(pid):
    """Waits until a process is idle."""
    last = measure.cpu_ns(pid)
    for _ in range(200):
        time.sleep(0.3)
        now = measure.cpu_ns(pid)
        if now - last < 3_000_000:
            return
        last = now


def sensor(lab, argv, name):
    proc = lab.sensor.start(["taskset", "-c", SENSOR, *argv], name=name)
    return proc, pid_of(proc, pathlib.Path(str(argv[0])).name)


def tcpdump(lab, mac, rate):
    path = lab.dir / "tcpdump.pcap"
    (lab.logs / "tcpdump.log").unlink(missing_ok=True)
    proc, pid = sensor(lab, ["tcpdump", "-i", "s0", "-n", "-B", "32768", "-Z", "root", "-w", path, "tcp"], "tcpdump")
    rig.wait_for(lambda: "listening on" in proc.output(), "tcpdump", 10, proc)
    start = measure.cpu_ns(pid)
    sent = flood(lab, mac, rate)
    quiet(pid)
    cpu = measure.cpu_ns(pid) - start
    proc.stop()
    kept = int(re.search(r"(\d+) packets captured", proc.output()).group(1))
    lost = int(re.search(r"(\d+) packets? dropped by kernel", proc.output()).group(1))
    path.unlink()
    return row(sent, kept, lost, tcpdump_us=cpu / 1e3 / max(kept, 1))


def lurker(lab, mac, rate):
    for folder in (lab.state, lab.run_dir):
        shutil.rmtree(folder, ignore_errors=True)
    for name in ("capture", "flowagg"):
        (lab.logs / f"{name}.log").unlink(missing_ok=True)
    common = ["--state-dir", lab.state, "--run-dir", lab.run_dir]
    fproc, fpid = sensor(lab, [rig.program("lurker-flowagg"), *common], "flowagg")
    cproc, cpid = sensor(lab, [rig.program("lurker-capture"), *common, "-i", "s0", "-f", "tcp"], "capture")
    for proc in (cproc, fproc):
        rig.wait_for(lambda: "started" in proc.output(), proc.name, 10, proc)
    starts = measure.cpu_ns(cpid), measure.cpu_ns(fpid)
    sent = flood(lab, mac, rate)
    quiet(cpid)
    quiet(fpid)
    ccpu, fcpu = measure.cpu_ns(cpid) - starts[0], measure.cpu_ns(fpid) - starts[1]
    cproc.stop()
    quiet(fpid)
    fproc.stop()
    kept = int(re.search(r"ended packets=(\d+)", cproc.output()).group(1))
    lost = int(re.search(r"dropped_kernel=(\d+)", cproc.output()).group(1))
    taken = int(re.search(r"ended next=\d+ packets=(\d+)", fproc.output()).group(1))
    return row(sent, taken, lost + kept - taken, capture_us=ccpu / 1e3 / max(kept, 1),
               flowagg_us=fcpu / 1e3 / max(taken, 1))


def row(sent, kept, lost, **cpu):
    return {"offered_s": round(sent["sent"] / sent["seconds"]), "kept_s": round(kept / sent["seconds"]),
            "kept": round(kept / max(sent["sent"], 1), 5), "lost": lost, **{k: round(v, 2) for k, v in cpu.items()},
            "cpu_us": round(sum(cpu.values()), 2)}


def main():
    rows = {"tcpdump": {}, "lurker": {}}
    with rig.Lab() as lab:
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-o", lab.dir / "flood", ROOT / "bench" / "responder_flood.c"],
                       check=True)
        mac = lab.sensor.run(["cat", "/sys/class/net/s0/address"]).stdout.strip()
        for rate in RATES:
            for name, run in (("tcpdump", tcpdump), ("lurker", lurker)):
                rows[name][rate] = run(lab, mac, rate)
    print(f"{'':10}{'load':>6}{'offered/s':>11}{'kept/s':>10}{'kept':>10}{'lost':>9}{'CPU us':>8}   of it")
    for rate in RATES:
        for name in rows:
            r = rows[name][rate]
            parts = ", ".join(f"{k[:-3]} {v}" for k, v in r.items() if k.endswith("_us") and k != "cpu_us")
            print(f"{name:10}{f'{rate // 1000}k' if rate else 'max':>6}{r['offered_s']:>11}{r['kept_s']:>10}{r['kept']:>10.3%}"
                  f"{r['lost']:>9}{r['cpu_us']:>8.2f}   {parts}")

    def best(name):
        return max([r["offered_s"] for r in rows[name].values() if not r["lost"]], default=0)
    ratio = {"without_loss": round(best("lurker") / max(best("tcpdump"), 1), 2),
             "cpu_at_100k": round(rows["lurker"][100000]["cpu_us"] / max(rows["tcpdump"][100000]["cpu_us"], 0.01), 2)}
    print(f"without loss: lurker {best('lurker')}/s, tcpdump {best('tcpdump')}/s: {ratio['without_loss']:.2f}; "
          f"CPU a packet at 100 k/s: {ratio['cpu_at_100k']:.2f} x tcpdump's")
    for name in rows:
        for rate, r in rows[name].items():
            print(json.dumps({"bench": "flowagg", "who": name, "load": rate or "max", **r}))
    print(json.dumps({"bench": "flowagg", "who": "ratio", **ratio}))


main()
