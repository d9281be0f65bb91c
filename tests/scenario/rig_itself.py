#!/usr/bin/python3
"""Tests the rig: its network carries packets, its processes end with it, it waits without sleeping and reads captures."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import measure
import records
import rig

t = rig.Report("rig_itself")
rig.require(t, "ip", "tcpdump", "ping")

with t:
    with rig.Lab() as lab:
        ping = lab.attacker.run(["ping", "-c", "1", "-W", "2", lab.sensor_addr], check=False)
        t.check("the two namespaces reach each other", ping.returncode == 0, ping.stdout)
        ping = lab.attacker.run(["ping", "-6", "-c", "1", "-W", "2", lab.sensor_addr6], check=False)
        t.check("also over IPv6", ping.returncode == 0, ping.stdout + ping.stderr)

        dump, path = lab.sensor.capture("tcp", "sensor")
        probe = "import socket; s = socket.socket(); s.setblocking(False); s.connect_ex(('%s', 4444))" % lab.host(9)
        lab.attacker.run(["/usr/bin/python3", "-c", probe])

        def syn():
            return [x for x in (records.tcp(frame) for _, frame, _ in records.packets(path)) if x and x[4] == "S"]
        first = rig.wait_for(syn, "a SYN in the capture", 5, dump)[0]
        t.check("a SYN to the routed prefix arrives at the sensor", first[2:4] == (lab.host(9), 4444), first)

        server = lab.sensor.start(["/usr/bin/python3", "-c", "import time; x = bytearray(b'x' * 2**24); time.sleep(60)"])
        rig.wait_for(lambda: measure.pss(server.pid)[0] > 2**24, "16 MiB of memory", 10, server)
        t.check("memory is measured", measure.pss(server.pid)[0] < 2**26, measure.pss(server.pid))
        t.check("processor time is measured", 0 < measure.cpu_ns(server.pid) < 60e9)
        names, place, pid = (lab.sensor.name, lab.attacker.name), lab.dir, server.pid
    t.check("nothing is left", not os.path.exists(f"/proc/{pid}") and not place.exists()
            and not any(os.path.exists(f"/run/netns/{n}") for n in names))
    failed = False
    try:
        rig.wait_for(lambda: False, "something that never comes", 0.05)
    except rig.Timeout:
        failed = True
    t.check("waiting ends", failed)
