#!/usr/bin/python3
"""capture and flowagg are killed at random under traffic. Every journalled packet is in exactly one file, every
completely captured conversation is stored completely, and each hole is reported."""

import collections
import json
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import records
import rig

KILLS = 12

t = rig.Report("flowagg_kill")
rig.require(t, "ip", programs=["lurker-capture", "lurker-flowagg"])

SERVER = r"""
import socket, selectors
s = socket.create_server(("", 8080), backlog=512)
sel = selectors.DefaultSelector()
sel.register(s, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in sel.select():
        if key.fileobj is s:
            sel.register(s.accept()[0], selectors.EVENT_READ)
        else:
            try:
                data = key.fileobj.recv(65536)
                if data:
                    key.fileobj.sendall(b"got " + data[:20])
            except ConnectionError:
                data = b""
            if not data:
                sel.unregister(key.fileobj)
                key.fileobj.close()
"""

# An endless series of conversations: short ones, ones in two halves, scans of closed ports, datagrams.
CLIENT = r"""
import random, socket, sys, time
host, seed = sys.argv[1], int(sys.argv[2])
r = random.Random(seed)
n = 0
while True:
    n += 1
    mark = b"conversation %d-%d " % (seed, n)
    kind = r.randrange(4)
    if kind < 2:
        c = socket.create_connection((host, 8080))
        c.sendall(mark + r.randbytes(r.randrange(1000)))
        c.recv(100)
        if kind:
            time.sleep(0.02)
            c.sendall(b"second half")
            c.recv(100)
        c.close()
    elif kind == 2:
        c = socket.socket()
        c.settimeout(0.2)
        c.connect_ex((host, r.randrange(20000, 60000)))
        c.close()
    else:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(mark, (host, r.randrange(1000, 60000)))
    time.sleep(0.002)
"""


def journal(lab):
    """The packets in the journal, without ticks, in order; and those that are not IP."""
    ip, other = [], 0
    for path in sorted((lab.state / "journal").glob("*.pcap")):
        for ts, data, length in records.packets(path):
            if not length:
                continue
            if data[12:14] in (b"\x08\x00", b"\x86\xdd"):
                ip.append((ts, data))
            else:
                other += 1
    return ip, other


def queue(lab, consumer):
    """key → bytes of the file."""
    base = lab.state / "spool" / "queue" / consumer
    return {str(p.relative_to(base)): p.read_bytes() for p in base.rglob("*.pcap")}


with t:
    with rig.Lab() as lab:
        common = ["--state-dir", lab.state, "--run-dir", lab.run_dir]

        def start(which):
            if which == "capture":
                return lab.sensor.start([rig.program("lurker-capture"), *common, "-i", lab.sensor.dev,
                                         "--journal-segment", "1MiB"], name="capture")
            return lab.sensor.start([rig.program("lurker-flowagg"), *common, "--idle-timeout-s", "2",
                                     "--checkpoint-s", "1",
                                     # No home networks: the host's own packets count here too.
                                     "--home-networks", "192.0.2.255"], name="flowagg")

        procs = {which: start(which) for which in ("capture", "flowagg")}
        rig.wait_for(lambda: procs["capture"].output().count("started"), "capture", 10, procs["capture"])
        server = lab.sensor.start([sys.executable, "-c", SERVER], name="server")
        rig.wait_for(lambda: "ready" in server.output(), "the server", 10, server)
        clients = [lab.attacker.start([sys.executable, "-c", CLIENT, lab.sensor_addr, str(i)], name=f"client{i}")
                   for i in range(2)]

        seed = random.randrange(2**32)
        t.note(f"seed {seed}")
        rnd = random.Random(seed)
        captures = 0
        changed = []  # keys that came a second time with other bytes
        seen = {}  # files of the uploader's queue, which works its queue off now and then
        uploaded = collections.Counter()
        for _ in range(KILLS):
            time.sleep(rnd.uniform(0.1, 0.9))
            which = "capture" if rnd.random() < 0.25 else "flowagg"
            captures += which == "capture"
            procs[which].kill()
            if rnd.random() < 0.5:
                for key, data in queue(lab, "uploader").items():
                    uploaded[key] += 1
                    if seen.setdefault(key, data) != data:
                        changed.append(key)
                    (lab.state / "spool/queue/uploader" / key).unlink()
            procs[which] = start(which)
        for client in clients:
            client.kill()
        # Two ticks after the idle timeout, all flows have ended; the bundle ends with its minute.
        time.sleep(5)
        t.check("capture ends in good order", procs["capture"].stop() == 0, procs["capture"].tail())
        t.check("flowagg ends in good order", procs["flowagg"].stop() == 0, procs["flowagg"].tail())

        # The clock passes the minute a second time: the bundle is sealed.
        end = lab.dir / "end.pcap"
        end.write_bytes(bytes.fromhex("4d3cb2a1020004000000000000000000000004000100000000"[:48]))
        last = int(time.time()) + 3
        end.write_bytes(end.read_bytes() + last.to_bytes(4, "little") + bytes(4) + (60).to_bytes(4, "little") * 2 +
                        bytes(12) + b"\x08\x06" + bytes(46))
        procs["flowagg"] = start("flowagg")
        feed = lab.sensor.start([rig.program("lurker-capture"), *common, "-r", end], name="feed")
        t.check("the closing packet is fed", feed.wait() == 0, feed.tail())
        total = [0]

        def settled():
            files = queue(lab, "analyzer")
            now = sum(len(d) for d in files.values())
            done, total[0] = now == total[0] and any("bundle" in k for k in files), now
            return done
        time.sleep(1.5)
        rig.wait_for(settled, "the queues to settle", 10, procs["flowagg"])
        procs["flowagg"].stop()

        packets, other = journal(lab)
        files = queue(lab, "analyzer")
        t.note(f"{len(packets)} packets, {len(files)} files, {captures} of {KILLS} kills were capture's")
        stored = collections.Counter()
        for key in files:
            for ts, data, _ in records.packets(lab.state / "spool/queue/analyzer" / key):
                stored[(ts, data)] += 1
        want = collections.Counter(packets)
        missing, extra = want - stored, stored - want
        t.check("every journalled packet is in exactly one file", not missing and not extra,
                f"missing {sum(missing.values())} of {sum(want.values())}, too many {sum(extra.values())}")
        for key, data in queue(lab, "uploader").items():
            uploaded[key] += 1
            if seen.setdefault(key, data) != data:
                changed.append(key)
        t.check("what came a second time was the same", not changed, changed)
        t.check("both queues got the same files", seen == files,
                [k for k in set(seen) ^ set(files)][:5] or [k for k in seen if seen[k] != files[k]][:5])
        t.note(f"{sum(n > 1 for n in uploaded.values())} files came a second time (the same bytes, the same key)")

        halves = [k for k, d in files.items() if b"conversation" in d and b"_8080.pcap" in k.encode()]
        t.check("conversations were stored", len(halves) > 100, len(halves))
        broken = [k for k in halves if not captures and files[k].count(b"conversation") < 2]
        t.check("no conversation is split", not broken, broken[:5])

        alerts = [json.loads(line) for p in (lab.state / "records/alert").glob("*.jsonl")
                  for line in p.read_text().splitlines()]
        holes = [a for a in alerts if a["kind"] == "hole"]
        t.check("each death of capture is reported as a hole", len(holes) == captures and
                all(a["from_ns"] < a["to_ns"] for a in holes), alerts)
        t.check("with what the interface counted meanwhile", not holes or any(a.get("rx_packets") for a in holes), holes)
        t.check("no packet was lost between journal and flowagg", not [a for a in alerts if a["kind"] == "gap"], alerts)
