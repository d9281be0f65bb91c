#!/usr/bin/python3
"""Each service is killed while connections come in, and `lurker up` restarts it. No journalled or sealed data is
lost, and the restart is visible. Without arguments: tests all services in parallel, each on its own sensor.
"""

import collections
import os
import pathlib
import re
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import records
import rig
import sensor as sensors
import talk

CONNECTIONS, PORT = 60, 7070
LIB = pathlib.Path(__file__).resolve().parent / "lib"


def kill_one(t, service, lab):
    sensor = sensors.Sensor(lab).start()
    client = lab.attacker.start(["/usr/bin/python3", LIB / "talk.py", CONNECTIONS, 0.1, PORT,
                                 *(lab.host(n) for n in range(50, 58))], name="talk")
    rig.wait_for(lambda: client.output().count("sent") >= CONNECTIONS // 4, "the first connections", 20, client)
    os.kill(sensor.pids()[service], signal.SIGKILL)
    rig.wait_for(lambda: sensor.bus.starts(service) > 1, "a second start of the service", 20, sensor.up)
    rig.wait_for(lambda: client.poll() is not None, "end of the connections", 40)
    sent = {int(n) for n in re.findall(r"^sent (\d+)", client.output(), re.M)}
    t.check("most connections were accepted", len(sent) >= CONNECTIONS // 2, client.tail(10))

    # Wait until every text that could be captured has its record. Texts sent while capture is down cannot.
    whole = {talk.text(n) for n in sent}

    def payloads():
        return collections.Counter(records.payload(r) for r in sensor.records() if r["dst_port"] == PORT)

    def unstored():
        """The journalled packets of the client's connections that are in no stored file, or in more than one."""
        def mine(paths):
            out = collections.Counter()
            for path in paths:
                for ts, frame, _ in records.packets(path):
                    seg = records.tcp(frame) if frame else None
                    if seg and PORT in (seg[1], seg[3]):
                        out[(ts, frame)] += 1
            return out
        journal, stored = (mine(records.files(lab.state / place)) for place in ("journal", "objects"))
        return {k for k in journal | stored if journal[k] != stored[k]}, sum(journal.values())

    if service != "capture":
        try:
            rig.wait_for(lambda: whole <= payloads().keys(), "records of all connections", 40, sensor.up)
        except rig.Timeout:
            pass
        lost = whole - payloads().keys()
        t.check(f"each of {len(whole)} connections has its record, whole", not lost, sorted(x[:17] for x in lost))
    try:
        rig.wait_for(lambda: not unstored()[0], "every journalled packet in a stored file", 90, sensor.up)
    except rig.Timeout:
        pass
    rest, journalled = unstored()
    t.check(f"each of {journalled} journalled packets is stored, once", not rest and journalled,
            f"{len(rest)} are not, such as {[(ts, records.tcp(frame)) for ts, frame in sorted(rest)[:5]]}")
    doubled = [p[:17] for p, n in payloads().items() if n > 1 and p]
    t.check("no connection has two records", not doubled, doubled)
    if service == "capture":
        holes = [a for a in sensor.records("alert") if a["kind"] == "hole"]
        t.check("the hole is reported with its two timestamps", holes and 0 < holes[0]["from_ns"] < holes[0]["to_ns"],
                sensor.records("alert"))
    stat = lab.sensor.run([rig.program("lurker"), "stat", "-c", sensor.config, "--once"], timeout=20).stdout
    row = next((x for x in stat.splitlines() if x.startswith(service)), "")
    t.check("stat shows the restart", row.endswith(" 1"), stat)
    t.check("the sensor ends in order", sensor.stop() == 0, sensor.up.tail())
    audit = lab.sensor.run([rig.program("lurker"), "audit", "-c", sensor.config], timeout=60, check=False)
    t.check("the audit accounts for every packet", audit.returncode == 0, audit.stdout + audit.stderr)
    if service == "capture":
        t.check("and shows the hole", " to " in audit.stdout.split("holes:")[1], audit.stdout)


def main(argv):
    if argv:
        t = rig.Report(f"sensor_kill {argv[0]}")
        with t, rig.Lab() as lab:
            kill_one(t, argv[0], lab)
    t = rig.Report("sensor_kill")
    rig.require(t, programs=["lurker", *(f"lurker-{s}" for s in sensors.SERVICES)])
    runs = [(s, subprocess.Popen([sys.executable, __file__, s], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 stdin=subprocess.DEVNULL, text=True)) for s in sensors.SERVICES]
    failed = False
    for service, run in runs:
        output, _ = run.communicate()
        print(output, end="", flush=True)
        failed |= run.returncode != 0
    sys.exit(1 if failed else 0)


main(sys.argv[1:])
