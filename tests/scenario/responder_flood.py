#!/usr/bin/python3
"""Under attack: the kernel sheds a flood from one prefix while visitors get their answers. Spoofed SYNs that would
make the sensor attack a third party raise one alert with an end, and get no answers."""

import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import records
import rig
import streams

t = rig.Report("responder_flood")
rig.require(t, "masscan", "tcpdump", programs=["lurker-responder"])
PYTHON = "/usr/bin/python3"

# Prints the counters and gauges of the latest stat message once a second, as JSON.
STAT = """
import json, sys, msgpack, zmq
s = zmq.Context().socket(zmq.SUB)
s.connect("ipc://" + sys.argv[1] + "/responder.sock")
s.subscribe("stat")
while True:
    m = msgpack.unpackb(s.recv_multipart()[2])
    print(json.dumps({**m["counters"], **m.get("gauges", {}), **m.get("drops", {})}), flush=True)
"""
VISITS = """
import socket, sys, time
end = time.monotonic() + float(sys.argv[2])
n = good = 0
while time.monotonic() < end:
    n += 1
    try:
        s = socket.create_connection((sys.argv[1], 3000 + n), 5)
        good += 1
        s.close()
    except OSError:
        pass
    time.sleep(0.05)
print(n, good)
"""
# Sends SYNs from a foreign address to two targets, RATE a second.
SPOOF = """
import socket, struct, sys, time
def sum16(b):
    s = sum(struct.unpack(">%dH" % (len(b) // 2), b))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff
src, mac, seconds, rate = socket.inet_aton(sys.argv[1]), sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("a0", 0))
end, n = time.monotonic() + seconds, 0
while time.monotonic() < end:
    n += 1
    dst = socket.inet_aton("203.0.113.%d" % (5 + n % 2))
    tcp = struct.pack(">HHIIBBHHH", 1024 + n % 60000, 80, n * 7919, 0, 0x50, 2, 1024, 0, 0)
    tcp = tcp[:16] + struct.pack(">H", sum16(src + dst + struct.pack(">HH", 6, 20) + tcp)) + tcp[18:]
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 40, n & 0xffff, 0, 64, 6, 0) + src + dst
    ip = ip[:10] + struct.pack(">H", sum16(ip)) + ip[12:]
    s.send(bytes.fromhex(mac.replace(":", "")) + s.getsockname()[4] + b"\\x08\\0" + ip + tcp)
    time.sleep(1 / rate)
"""


def last(stat):
    lines = stat.output().splitlines()
    return json.loads(lines[-1]) if lines else {}


def flood(lab, mac, stat):
    visits = lab.attacker.start([PYTHON, "-c", VISITS, lab.host(9), 8], name="visits")
    scan = lab.attacker.start(["masscan", str(lab.prefix), "-p1-60000", "--source-ip", "192.0.2.0-192.0.2.255", "--source-port", "40000", "-i", "a0",
                               "--router-mac", mac.replace(":", "-"), "--rate", "60000", "--wait", "0"], name="masscan")
    try:
        rig.wait_for(lambda: last(stat).get("prefixes_shed"), "a prefix that is shed", 15, scan)
        t.check("a flooding prefix is shed in the kernel", True)
    except rig.Timeout as problem:
        t.check("a flooding prefix is shed in the kernel", False, f"{problem}\n{last(stat)}")
    n, good = rig.wait_for(lambda: visits.poll() is not None and visits.output().split(), "the visits' end", 30)
    scan.kill()
    t.check(f"meanwhile {good} of {n} visitors got their answer", n == good and int(n) > 50)
    time.sleep(1.5)
    now = last(stat)
    t.check(f"what was shed is counted ({now.get('shed')}), and what was refused ({now.get('limited_prefix')})",
            now.get("shed", 0) > 0 and now.get("limited_prefix", 0) + now.get("limited_source", 0) > 0, now)


def reflection(lab, mac, stat):
    dump, path = lab.attacker.capture("-s 128 tcp and host 192.0.3.9", "spoof")
    lab.attacker.run([PYTHON, "-c", SPOOF, "192.0.3.9", mac, 34, 20], timeout=60)
    begin = [a for a in records.read(lab.state, "alert") if a["kind"] == "reflection"]
    t.check("spoofed SYNs raise one alert", len(begin) == 1 and begin[0].get("state") == "begin", begin)
    if begin:
        a = begin[0]
        t.check("it names victim, port and rate", a.get("prefix") == "192.0.3.9" and a.get("ports") == [80]
                and 5 < a.get("rate", 0) < 40 and a.get("count", 0) >= 25, a)
    rig.wait_for(lambda: len([a for a in records.read(lab.state, "alert") if a["kind"] == "reflection"]) > 1, "its end", 40)
    both = [a for a in records.read(lab.state, "alert") if a["kind"] == "reflection"]
    t.check("and one end", [a.get("state") for a in both] == ["begin", "end"], both)
    time.sleep(1.2)
    dump.stop()
    packets = [x for x in (streams.parse(f) for _, f, _ in records.packets(path)) if x]
    out = [x for x in packets if x[0] != "192.0.3.9"]
    sent = [x for x in packets if x[0] == "192.0.3.9"]
    t.check(f"the victim got {len(out)} answers to {len(sent)} SYNs, none longer than its SYN",
            0 < len(out) < len(sent) and all(x[10] <= 40 for x in out) and last(stat).get("suppressed_reflection", 0) > 0)


with t:
    try:
        subprocess.run([PYTHON, "-c", "import msgpack, zmq"], check=True, capture_output=True)
    except subprocess.SubprocessError:
        t.skip("python3-msgpack or python3-zmq is not installed")
        sys.exit(0)
    with rig.Lab() as lab:
        proc = lab.sensor.start([rig.program("lurker-responder"), "-i", "s0", "-n", lab.prefix, "--state-dir", lab.state,
                                 "--run-dir", lab.run_dir, "--reflect-min-s", "5", "--reflect-quiet-s", "10"], name="responder")
        rig.wait_for(lambda: "answering" in proc.output(), "the responder", 10, proc)
        stat = lab.sensor.start([PYTHON, "-c", STAT, lab.run_dir], name="stat")
        mac = lab.sensor.run(["cat", "/sys/class/net/s0/address"]).stdout.strip()
        flood(lab, mac, stat)
        reflection(lab, mac, stat)
        t.check("the responder ends with 0", proc.stop() == 0, proc.tail())
