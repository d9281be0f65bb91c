#!/usr/bin/python3
"""A capture file many times larger than the journal passes through capture and flowagg. No packet is lost or
stored twice, and the counters of both balance to the packet. The file has flows that end in every way."""

import collections
import json
import pathlib
import random
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import records
import rig

PACKETS = 60000
t = rig.Report("flowagg_feed")
rig.require(t, programs=["lurker-capture", "lurker-flowagg", "lurker"])


def capture_file(path, seed):
    """Makes conversations, scans, datagrams, ARP and noise; in the middle, time goes back by an hour."""
    r = random.Random(seed)
    ether = bytes(12)
    now = 1_700_000_000_000_000_000
    frames = collections.Counter()
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, 1))
        for i in range(PACKETS):
            now += r.randrange(5_000_000)
            if i == PACKETS // 2:
                now -= 3_600_000_000_000
            kind = r.randrange(20)
            src, dst = 0x0a000000 | r.randrange(100), 0xcb007100 | r.randrange(4)
            if kind == 0:
                frame = ether + b"\x08\x06" + bytes(46)
            elif kind == 1:
                frame = ether + b"\x08\x00\x45" + r.randbytes(8)
            else:
                data = r.randbytes(r.choice((0, 0, 20, 1200)))
                if kind < 15:
                    flags = 2 if not data and kind < 10 else 24
                    l4 = struct.pack(">HHIIBBHHH", r.randrange(1024, 1026), 80, r.randrange(4), 0, 0x50, flags, 0, 0, 0) + data
                    proto = 6
                else:
                    l4, proto = struct.pack(">HHHH", 53, r.randrange(99), 8 + len(data), 0) + data, 17
                frame = ether + b"\x08\x00" + struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(l4), i & 0xffff, 0, 64, proto, 0,
                                                          src, dst) + l4
            out.write(struct.pack("<IIII", now // 10**9, now % 10**9, len(frame), len(frame)) + frame)
            frames[(now, frame)] += 1
    return frames


with t, rig.Lab() as lab:
    seed = random.randrange(2**32)
    t.note(f"seed {seed}")
    source = lab.dir / "in.pcap"
    frames = capture_file(source, seed)
    common = ["--state-dir", lab.state, "--run-dir", lab.run_dir]
    flowagg = lab.sensor.start([rig.program("lurker-flowagg"), *common, "--checkpoint-bytes", "512KiB",
                                "--max-flows", "1000", "--bundle-bytes", "256KiB"], name="flowagg")
    rig.wait_for(lambda: "started" in flowagg.output(), "flowagg", 10, flowagg)
    tail = lab.sensor.start([rig.program("lurker"), "tail", "--envelope", *common, "stat", "flow"], name="tail")
    capture = lab.sensor.start([rig.program("lurker-capture"), *common, "-r", source, "--journal-segment", "256KiB",
                                "--journal-total", "2MiB"], name="capture")
    t.check("the whole file is fed", capture.wait(60) == 0 and f"packets={PACKETS}" in capture.output(), capture.tail())
    size, journal = source.stat().st_size, sum(p.stat().st_size for p in (lab.state / "journal").glob("*.pcap"))
    t.check("the journal stayed within its bound, far below the file", journal <= 2 << 20 and size > 8 * journal, (journal, size))

    def stats(producer):
        out = [json.loads(x) for x in tail.output().splitlines() if '"stat"' in x]
        return [x["body"] if "body" in x else x for x in out if x.get("producer") == producer]

    def done():
        last = (stats("flowagg") or [{}])[-1]
        return last.get("gauges", {}).get("next_number") == PACKETS + 2 and not last["gauges"]["packets_open"] and last
    last = rig.wait_for(done, "flowagg to have taken everything in", 30, flowagg)
    counters, gauges, drops = last["counters"], last["gauges"], last["drops"]
    get = collections.Counter({**counters, **gauges, **drops})
    t.check("packets = stored + counted drops, to the packet", get["packets"] == PACKETS == get["packets_sealed"] +
            get["dropped_arp"] + get["dropped_broken"], last)
    t.check("sealed = delivered + counted drops", get["packets_sealed"] == get["packets_delivered"] > 0, last)
    t.check("nothing fell into a gap", not get["dropped_gap"], last)
    t.check("flows ended in every way", all(get[x] for x in ("ended_idle", "ended_reuse", "evicted_plain", "bundles",
                                                          "clock_set_back", "flows_sealed", "flows_bundled")), last)
    flowagg.stop()
    stored, count = collections.Counter(), 0
    for path in (lab.state / "spool/queue/uploader").rglob("*.pcap"):
        count += 1
        for ts, data, _ in records.packets(path):
            stored[(ts, data)] += 1
    missing, extra = frames - stored, stored - frames
    lost = [x for x in missing if x[1][12:14] == b"\x08\x00" and len(x[1]) > 30]
    t.check("every packet of IP is in exactly one file, as it was", not lost and not extra,
            f"missing {len(lost)}, too many {sum(extra.values())}, files {count}")
    t.check("and what is missing is what was counted", sum(missing.values()) == get["dropped_arp"] + get["dropped_broken"])
    flows = [json.loads(x) for x in tail.output().splitlines() if '"flow_id"' in x or '"topic":"flow"' in x.replace(" ", "")]
    t.check("each file was announced", len(flows) == count, (len(flows), count))
