#!/usr/bin/python3
"""Compares the responder with a plain loop of one libnet_write per SYN, in the same run.

A generator in one namespace (one core) sends SYNs of 74 bytes over a veth pair to the responder in the
other (the other core). CPU is the time of the answering process, with the softirq work done in its context.
`core` is everything that its core did in that time, for other processes too, so it is meaningful only on an
idle machine.
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

SECONDS = float(os.environ.get("BENCH_SECONDS", "3"))
VISITS = int(os.environ.get("BENCH_VISITS", "1000000"))
t = rig.Report("responder")
rig.require(t, "cc", "nft", "taskset", programs=["lurker-responder"])
CORES = sorted(os.sched_getaffinity(0))
GENERATOR, SENSOR = CORES[0], CORES[-1]


def build(lab):
    for name, libs in (("responder_flood", []), ("responder_libnet", ["-lnet", "-lpcap"])):
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-D_DEFAULT_SOURCE", "-o", lab.dir / name,
                        ROOT / "bench" / f"{name}.c", *libs], check=True)


def busy(core):
    """Time in ns that a core was busy, with all processes and interrupts."""
    for line in pathlib.Path("/proc/stat").read_text().splitlines():
        if line.startswith(f"cpu{core} "):
            v = [int(x) for x in line.split()[1:9]]
            return (sum(v) - v[3] - v[4]) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    return 0


def received(lab):
    return int(lab.attacker.run(["cat", "/sys/class/net/a0/statistics/rx_packets"]).stdout)


def generate(lab, mac, rate, seconds, *more):
    out = lab.attacker.run(["taskset", "-c", GENERATOR, lab.dir / "responder_flood", "a0", mac, rate, seconds, *more],
                           timeout=seconds + 30)
    return json.loads(out.stdout)


def flood(lab, mac, proc, rate):
    cpu, core, before, start = measure.cpu_ns(proc), busy(SENSOR), received(lab), time.monotonic()
    sent = generate(lab, mac, rate, SECONDS)
    took = sent["seconds"]
    time.sleep(0.3)  # what is in the ring is answered
    answers = received(lab) - before
    row = {"offered": round(sent["sent"] / took), "answers_s": round(answers / took),
           "share": round(answers / max(sent["sent"], 1), 4),
           "cpu_us": round((measure.cpu_ns(proc) - cpu) / 1e3 / max(answers, 1), 2),
           "core_us": round((busy(SENSOR) - core) / 1e3 / max(answers, 1), 2)}
    return row


def memory(pid):
    plain, ring = measure.pss(pid)
    return {"mib": round(plain / 2**20, 1), "ring_mib": round(ring / 2**20, 1)}


def contender(lab, name, argv, visits=0):
    proc = lab.sensor.start(["taskset", "-c", SENSOR, *argv], name=name)
    rig.wait_for(lambda: "answering" in proc.output(), name, 10, proc)
    pid = next(p for p in measure.children(proc.pid) if measure.program_name(p) == pathlib.Path(argv[0]).name)
    mac = lab.sensor.run(["cat", "/sys/class/net/s0/address"]).stdout.strip()
    generate(lab, mac, 20000, 0.5)
    time.sleep(0.2)
    rows = {"low": generate(lab, mac, 2000, SECONDS, "latency")}
    for label, rate in (("100k", 100000), ("300k", 300000), ("max", 0)):
        rows[label] = flood(lab, mac, pid, rate)
    time.sleep(1)
    idle = measure.cpu_ns(pid)
    time.sleep(4)
    rows["idle"] = {"cpu_percent": round((measure.cpu_ns(pid) - idle) / 4e7, 3)}
    rows["memory"] = memory(pid)
    if visits:
        rows["visits"] = generate(lab, mac, visits, 60, "visit")
        rows["visits"].update(memory(pid))
    proc.stop()
    return rows


def main():
    with rig.Lab() as lab:
        build(lab)
        libnet = contender(lab, "libnet loop", [lab.dir / "responder_libnet", "s0",
                                                "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn and dst net 203.0.113.0/24"])
        lurker = contender(lab, "lurker", [rig.program("lurker-responder"), "-i", "s0", "-n", lab.prefix, "--state-dir",
                                           lab.state, "--run-dir", lab.run_dir], VISITS)
    head = f"{'':14}{'load':>6}{'offered/s':>11}{'answers/s':>11}{'answered':>10}{'CPU us':>8}{'core us':>9}"
    print(head)
    for name, rows in (("libnet loop", libnet), ("lurker", lurker)):
        for label in ("100k", "300k", "max"):
            r = rows[label]
            print(f"{name:14}{label:>6}{r['offered']:>11}{r['answers_s']:>11}{r['share']:>10.2%}{r['cpu_us']:>8.2f}"
                  f"{r['core_us']:>9.2f}")
    for name, rows in (("libnet loop", libnet), ("lurker", lurker)):
        low = rows["low"]
        print(f"{name:14}latency p50 {low['p50_us']:.0f} us, p99 {low['p99_us']:.0f} us; idle {rows['idle']['cpu_percent']}% "
              f"CPU; {rows['memory']['mib']} MiB + ring {rows['memory']['ring_mib']} MiB")
    if "visits" in lurker:
        v = lurker["visits"]
        print(f"{'lurker':14}after {v['visits']} verified sources ({v['visits'] / v['seconds']:.0f}/s): {v['mib']} MiB + ring "
              f"{v['ring_mib']} MiB (goal: 96 in all)")
    best = [max(rows[x]["answers_s"] for x in ("300k", "max")) for rows in (lurker, libnet)]
    ratio = {"answers": round(best[0] / max(best[1], 1), 2),
             "cpu": round(lurker["300k"]["cpu_us"] / max(libnet["300k"]["cpu_us"], 0.01), 2),
             "cpu_max": round(lurker["max"]["cpu_us"] / max(libnet["max"]["cpu_us"], 0.01), 2)}
    print(f"lurker / libnet loop: {ratio['answers']:.2f} x the answers/s (goal 1.4), {ratio['cpu']:.2f} x the CPU an answer at "
          f"300 k and {ratio['cpu_max']:.2f} x at the highest rate (goal 0.6)")
    for name, rows in (("libnet", libnet), ("lurker", lurker)):
        for label, row in rows.items():
            print(json.dumps({"bench": "responder", "who": name, "load": label, **row}))
    print(json.dumps({"bench": "responder", "who": "ratio", **ratio}))


main()
