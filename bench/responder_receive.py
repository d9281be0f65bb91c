#!/usr/bin/python3
"""Compares ways to receive SYNs without delay: the responder's TPACKET_V2 ring, recvmmsg, and libpcap in
immediate mode, each with 16 MiB, under the same floods in the same run. The responder uses the first."""

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
t = rig.Report("responder_receive")
rig.require(t, "cc", "taskset")
CORES = sorted(os.sched_getaffinity(0))


def main():
    with rig.Lab() as lab:
        cc = ["cc", "-O2", "-D_GNU_SOURCE", "-D_DEFAULT_SOURCE", "-I", ROOT / "services"]
        subprocess.run([*cc, "-o", lab.dir / "flood", ROOT / "bench" / "responder_flood.c"], check=True)
        subprocess.run([*cc, "-o", lab.dir / "receive", ROOT / "bench" / "responder_receive.c",
                        ROOT / "services" / "responder" / "interface.c", "-lpcap"], check=True)
        mac = lab.sensor.run(["cat", "/sys/class/net/s0/address"]).stdout.strip()
        # The kernel would answer or route what arrives; that is not what is measured.
        lab.sensor.run(["nft", "-f", "-"], data="table netdev door { chain in { type filter hook ingress device s0 "
                       "priority 0; policy drop;\n}\n}\n")
        rows = []
        for rate in (100000, 300000, 0):
            for way in ("v2", "recvmmsg", "pcap"):
                proc = lab.sensor.start(["taskset", "-c", CORES[-1], lab.dir / "receive", "s0", way], name=f"{way}-{rate}")
                rig.wait_for(lambda: "answering" in proc.output(), way, 10, proc)
                pid = next(p for p in measure.children(proc.pid) if measure.program_name(p) == "receive")
                cpu = measure.cpu_ns(pid)
                sent = json.loads(lab.attacker.run(["taskset", "-c", CORES[0], lab.dir / "flood", "a0", mac, rate, SECONDS],
                                                   timeout=SECONDS + 30).stdout)
                time.sleep(0.3)
                cpu = measure.cpu_ns(pid) - cpu
                proc.stop()
                got = json.loads(proc.output().splitlines()[-1])
                rows.append({"bench": "responder_receive", "way": way, "load": rate or "max",
                             "offered": round(sent["sent"] / sent["seconds"]),
                             "received": round(got["frames"] / max(sent["sent"], 1), 4),
                             "cpu_us": round(cpu / 1e3 / max(got["frames"], 1), 3)})
        print(f"{'way':10}{'load':>8}{'offered/s':>11}{'received':>10}{'CPU us':>8}")
        for r in rows:
            print(f"{r['way']:10}{r['load']:>8}{r['offered']:>11}{r['received']:>10.2%}{r['cpu_us']:>8.3f}")
        for r in rows:
            print(json.dumps(r))


main()
