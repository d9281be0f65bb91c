#!/usr/bin/python3
"""Compares lurker-analyzer with tcpflow, tshark (fields only) and a python3-dpkt script of the well-known
short algorithm, in one run, on a capture of attacks.

  bench/analyzer.py [MEGABYTES] [FLOWS]      default 200 200000; the full size is 1000 1000000

Payloads come from the corpora if these are next to the tree, else from built-in samples. Attackers repeat
themselves, and so does the capture. In a second capture of the same size, no two flows send the same
bytes: it shows the speed without repetition. The slow programs read only the beginning of the first one.

Every program runs on one core (`2 jobs` on two) and reads from the page cache. Standard output goes to
/dev/null. The programs do different work: the analyzer and the script print each flow's bytes (base64 or
hex) and more; tshark prints each packet's (hex); tcpflow writes a file for each direction to TMPDIR.
Ratios compare megabytes of capture per second of CPU time (user and system), because the wall clock of a
shared machine also measures its other load. Ratios by elapsed time are shown next to them."""

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
SLICE_MB = 20
FALLBACK = (b"GET / HTTP/1.0\r\nHost: 192.0.2.10\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n",
            b"POST /cgi-bin/luci HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\n" + b"a=b&" * 100,
            b"SSH-2.0-Go\r\n", b"*1\r\n$4\r\nINFO\r\n", b"\xff\xfd\x01\xff\xfd\x1froot\r\nadmin\r\n",
            bytes.fromhex("030000130ee000000000000100080003000000"))


def build(place):
    """Builds the generator."""
    out = place / "attack_capture"
    sources = [ROOT / "bench" / "attack_capture.c"] + [ROOT / "services/common/pkt" / n for n in
                                                       ("addr.c", "cksum.c", "pcap_write.c")]
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", f"-I{ROOT / 'services/common'}", "-o", out, *sources], check=True)
    return out


def payloads(place):
    """Returns a file of payloads, and their origin."""
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


def capture(generator, place, name, megabytes, flows, pays, *more):
    path = place / name
    subprocess.run([generator, path, str(flows), str(megabytes), pays, *more], check=True, stdout=subprocess.DEVNULL)
    return path


def beginning(path, place, megabytes):
    """Returns about this many megabytes from the beginning of a capture, and the number of flows in it."""
    out = place / "beginning.pcap"
    begun = set()
    with open(path, "rb") as f, open(out, "wb") as to:
        to.write(f.read(24))
        while to.tell() < megabytes * 1000000 and (head := f.read(16)):
            frame = f.read(struct.unpack("IIII", head)[2])
            to.write(head + frame)
            at = 14 + (20 if frame[12] == 8 else 40)
            ends = frame[26:34] if frame[12] == 8 else frame[22:54]
            half = len(ends) // 2
            begun.add(frozenset(((ends[:half], frame[at:at + 2]), (ends[half:], frame[at + 2:at + 4]))))
    return out, len(begun)


def measure(argv, cores, cwd=None):
    """Runs argv on this number of cores. Returns elapsed and CPU seconds, and the largest resident set of a process in MiB; None if it failed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    with open(os.devnull, "wb") as null:
        child = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=null, stderr=null, cwd=cwd,
                                 preexec_fn=lambda: os.sched_setaffinity(0, cores))
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
        new = capture(generator, place, "new.pcap", megabytes, flows, pays, "distinct")
        small, small_flows = beginning(big, place, SLICE_MB)
        files = place / "tcpflow"
        files.mkdir()
        analyzer = [BIN / "lurker-analyzer", "--sensor", "bench"]
        fields = "frame.time_epoch ip.src ipv6.src ip.dst ipv6.dst tcp.srcport tcp.dstport udp.srcport udp.dstport tcp.payload udp.payload"
        cores = sorted(os.sched_getaffinity(0))
        one, two = set(cores[-1:]), set(cores[-2:])
        tools = [
            ("lurker-analyzer", big, flows, one, [*analyzer, big], None),
            ("  2 jobs on 2 cores", big, flows, two, [*analyzer, "--jobs", "2", big], None),
            ("  no payload twice", new, flows, one, [*analyzer, new], None),
            ("tcpflow", big, flows, one, ["tcpflow", "-Fm", "-S", "enable_report=NO", "-o", files, "-r", big], files),
            ("tshark, fields", small, small_flows, one,
             ["tshark", "-n", "-r", small, "-T", "fields", *(x for f in fields.split() for x in ("-e", f))], None),
            ("dpkt, short algorithm", small, small_flows, one,
             ["/usr/bin/python3", ROOT / "bench/short_algorithm.py", small], None),
        ]
        print(f"capture: {big.stat().st_size / 1e6:.0f} MB, {flows} flows, payloads: {origin}; "
              f"for the slow ones its first {small.stat().st_size / 1e6:.0f} MB, {small_flows} flows")
        for tool, path, count, on, argv, cwd in tools:
            if not shutil.which(str(argv[0])):
                print(f"{tool}: not installed")
                continue
            with open(path, "rb", buffering=0) as f:  # none is to wait for the disk
                while f.read(1 << 20):
                    pass
            result = measure(argv, on, cwd)
            if not result:
                print(f"{tool}: failed")
                continue
            elapsed, cpu, rss = result
            size = path.stat().st_size / 1e6
            rows.append({"bench": "analyzer", "what": tool.strip(), "mb": round(size), "flows": count,
                         "elapsed_s": round(elapsed, 3), "cpu_s": round(cpu, 3), "mb_per_cpu_s": round(size / cpu, 2),
                         "flows_per_cpu_s": round(count / cpu), "mb_per_s": round(size / elapsed, 2),
                         "flows_per_s": round(count / elapsed), "rss_mib": round(rss, 1)})
    if not rows or rows[0]["what"] != "lurker-analyzer":
        return 1
    first = rows[0]
    print(f"{'':<24}{'MB/cpu s':>10}{'flows/cpu s':>13}{'MB/s':>9}{'flows/s':>10}{'MiB':>6}"
          f"{'ours is, by cpu':>17}{'by flows':>10}{'elapsed':>9}")
    for row in rows:
        row["ratio"] = round(first["mb_per_cpu_s"] / row["mb_per_cpu_s"], 1)
        row["ratio_flows"] = round(first["flows_per_cpu_s"] / row["flows_per_cpu_s"], 1)
        row["ratio_elapsed"] = round(first["mb_per_s"] / row["mb_per_s"], 1)
        print(f"{row['what']:<24}{row['mb_per_cpu_s']:>10.1f}{row['flows_per_cpu_s']:>13,}{row['mb_per_s']:>9.1f}"
              f"{row['flows_per_s']:>10,}{row['rss_mib']:>6.0f}{row['ratio']:>16.1f}x{row['ratio_flows']:>9.1f}x"
              f"{row['ratio_elapsed']:>8.1f}x")
    for row in rows:
        print(json.dumps(row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
