#!/usr/bin/python3
"""lurker-analyzer on a capture of attacks, beside tcpflow, tshark (fields only) and a python3-dpkt script of the
well-known short algorithm, in one run.

  bench/analyzer.py [MEGABYTES] [FLOWS]      default 200 200000; the full size is 1000 1000000

Payloads come from the corpora if they lie beside the tree, else from a few of our own. The slow ones read a smaller
capture of the same kind. Compared is processor time (user and system) for each megabyte of capture, because the wall
clock of a shared machine measures its neighbours; elapsed times are printed beside it."""

import base64
import json
import os
import pathlib
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(os.environ.get("RIG_BIN", ROOT / "build" / "bin"))
CORPORA = ROOT.parent / "shared" / "corpora" / "captures"
SLICE_MB, SLICE_FLOWS = 20, 20000
FALLBACK = (b"GET / HTTP/1.0\r\nHost: 192.0.2.10\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n",
            b"POST /cgi-bin/luci HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\n" + b"a=b&" * 100,
            b"SSH-2.0-Go\r\n", b"*1\r\n$4\r\nINFO\r\n", b"\xff\xfd\x01\xff\xfd\x1froot\r\nadmin\r\n",
            bytes.fromhex("030000130ee000000000000100080003000000"))


def build(place):
    """The generator, as a program."""
    out = place / "attack_capture"
    sources = [ROOT / "bench" / "attack_capture.c"] + [ROOT / "services/common/pkt" / n for n in
                                                       ("addr.c", "cksum.c", "pcapwrite.c")]
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", f"-I{ROOT / 'services/common'}", "-o", out, *sources], check=True)
    return out


def payloads(place):
    """A file of payloads, and where they are from."""
    found = set()
    if CORPORA.is_dir():
        done = subprocess.run([BIN / "lurker-analyzer", "--sensor", "bench", CORPORA], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False)
        for line in done.stdout.splitlines():
            record = json.loads(line)
            payload = base64.b64decode(record["payload"])
            if record["proto"] in ("tcp", "udp") and 0 < len(payload) <= 8192:
                found.add(payload)
    chosen = sorted(found) or FALLBACK
    # Not in an order that means anything: the generator prefers the first ones.
    chosen = sorted(chosen, key=lambda p: struct.unpack("I", (p + b"\0\0\0")[:4])[0] * 2654435761 % 2**32)
    path = place / "payloads"
    path.write_bytes(b"".join(struct.pack("I", len(p)) + p for p in chosen))
    return path, f"{len(found)} of the corpora" if found else f"{len(chosen)} of our own"


def capture(generator, place, name, megabytes, flows, pays):
    path = place / name
    subprocess.run([generator, path, str(flows), str(megabytes), pays], check=True, stdout=subprocess.DEVNULL)
    return path


def measure(argv, cwd=None):
    """Elapsed and processor seconds, largest resident set in MiB of one process of it; None if it failed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    with open(os.devnull, "wb") as null:
        child = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=null, stderr=null, cwd=cwd)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    elapsed = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return None if child.returncode else (elapsed, cpu, usage.ru_maxrss / 1024)


def main():
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    flows = int(sys.argv[2]) if len(sys.argv) > 2 else megabytes * 1000
    rows = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as name:
        place = pathlib.Path(name)
        generator = build(place)
        pays, origin = payloads(place)
        big = capture(generator, place, "big.pcap", megabytes, flows, pays)
        small = capture(generator, place, "small.pcap", SLICE_MB, SLICE_FLOWS, pays)
        files = place / "tcpflow"
        files.mkdir()
        analyzer = [BIN / "lurker-analyzer", "--sensor", "bench"]
        fields = "frame.time_epoch ip.src ipv6.src ip.dst ipv6.dst tcp.srcport tcp.dstport udp.srcport udp.dstport tcp.payload udp.payload"
        tools = [
            ("lurker-analyzer", big, flows, [*analyzer, big], None),
            ("lurker-analyzer, 2 jobs", big, flows, [*analyzer, "--jobs", "2", big], None),
            ("tcpflow", big, flows, ["tcpflow", "-Fm", "-S", "enable_report=NO", "-o", files, "-r", big], files),
            ("tshark, fields", small, SLICE_FLOWS,
             ["tshark", "-n", "-r", small, "-T", "fields", *(x for f in fields.split() for x in ("-e", f))], None),
            ("dpkt, short algorithm", small, SLICE_FLOWS, ["/usr/bin/python3", ROOT / "bench/short_algorithm.py", small], None),
        ]
        print(f"capture: {big.stat().st_size / 1e6:.0f} MB, {flows} flows, payloads: {origin}; "
              f"slice for the slow ones: {small.stat().st_size / 1e6:.0f} MB, {SLICE_FLOWS} flows")
        for tool, path, count, argv, cwd in tools:
            if not shutil.which(str(argv[0])):
                print(f"{tool}: not installed")
                continue
            result = measure(argv, cwd)
            if not result:
                print(f"{tool}: failed")
                continue
            elapsed, cpu, rss = result
            size = path.stat().st_size / 1e6
            rows.append({"bench": "analyzer", "what": tool, "mb": round(size), "flows": count,
                         "elapsed_s": round(elapsed, 3), "cpu_s": round(cpu, 3), "mb_per_cpu_s": round(size / cpu, 2),
                         "flows_per_cpu_s": round(count / cpu), "mb_per_s": round(size / elapsed, 2),
                         "rss_mib": round(rss, 1)})
    if not rows or rows[0]["what"] != "lurker-analyzer":
        return 1
    ours = rows[0]["mb_per_cpu_s"]
    print(f"{'':<26}{'MB/cpu s':>10}{'flows/cpu s':>13}{'MB/s':>9}{'MiB':>8}{'ours is':>10}")
    for row in rows:
        row["ratio"] = round(ours / row["mb_per_cpu_s"], 1)
        print(f"{row['what']:<26}{row['mb_per_cpu_s']:>10.1f}{row['flows_per_cpu_s']:>13,}{row['mb_per_s']:>9.1f}"
              f"{row['rss_mib']:>8.0f}{row['ratio']:>9.1f}x")
    for row in rows:
        print(json.dumps(row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
