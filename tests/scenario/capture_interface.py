#!/usr/bin/python3
"""capture survives changes of its interface and reports them: down and up, removed and recreated under the same
name. VLAN tags stay in the packets; the filter works in the kernel; without privileges, capture says what it
needs."""

import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import measure
import records
import rig

t = rig.Report("capture_interface")
rig.require(t, "ip", "ping", programs=["lurker-capture"])

TAGGED = r"""
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
inner = bytes.fromhex("45000020000040004011000001010101020202020035003500 0c0000".replace(" ", "")) + b"vlan"
s.send(b"\xff" * 6 + b"\x02\0\0\0\0\1" + bytes.fromhex("8100002a0800") + inner)
s.send(b"\xff" * 6 + b"\x02\0\0\0\0\1" + bytes.fromhex("88a800078100002a0800") + inner)
"""


def captured(lab):
    return [data for p in sorted((lab.state / "journal").glob("*.pcap")) for _, data, n in records.packets(p) if n]


def sees(lab, proc, what):
    """Sends pings of a unique size until one is in the journal."""
    size = 100 + len(what)
    want = 14 + 28 + size

    def try_once():
        lab.attacker.run(["ping", "-c", "1", "-W", "1", "-s", size, lab.sensor_addr], check=False)
        time.sleep(0.3)
        return sum(len(d) == want for d in captured(lab)) >= 2
    try:
        rig.wait_for(try_once, what, 15, proc)
        return True
    except (rig.Timeout, rig.Failed) as e:
        print(e)
        return False


with t:
    with rig.Lab() as lab:
        common = ["--state-dir", lab.state, "--run-dir", lab.run_dir, "-i", "s0"]
        proc = lab.sensor.start([rig.program("lurker-capture"), *common, "-f", "icmp or udp or vlan"], name="capture")
        rig.wait_for(lambda: "started" in proc.output(), "capture", 10, proc)
        t.check("both directions are captured", sees(lab, proc, "at first"))
        lab.attacker.run([sys.executable, "-c", TAGGED, "a0"])
        rig.wait_for(lambda: sum(b"vlan" in d for d in captured(lab)) >= 2, "tagged frames", 5, proc)
        tagged = [d for d in captured(lab) if b"vlan" in d]
        t.check("VLAN and QinQ tags stay in the packets", tagged[0][12:16] == bytes.fromhex("8100002a") and
                tagged[1][12:20] == bytes.fromhex("88a800078100002a"), [d.hex() for d in tagged])
        t.check("the filter keeps out what it should", not [d for d in captured(lab) if d[12:14] == b"\x08\x06"])

        lab.sensor.ip("link", "set", "s0", "down")
        rig.wait_for(lambda: "interface is down" in proc.output(), "the log line", 10, proc)
        cpu = measure.cpu_ns(proc.pid)
        time.sleep(1.5)
        t.check("while it is down capture waits quietly", measure.cpu_ns(proc.pid) - cpu < 100_000_000)
        lab.sensor.ip("link", "set", "s0", "up")
        rig.wait_for(lambda: "interface is up again" in proc.output(), "the log line", 10, proc)
        t.check("it goes on when the interface is up again", sees(lab, proc, "after down and up"))

        lab.sensor.ip("link", "del", "s0")
        rig.wait_for(lambda: proc.output().count("interface is down") == 2, "the log line", 10, proc)
        lab.sensor.ip("link", "add", "s0", "type", "veth", "peer", "name", "a0", "netns", lab.attacker.name)
        for space, addr in ((lab.sensor, lab.sensor_addr), (lab.attacker, lab.attacker_addr)):
            space.ip("link", "set", space.dev, "up")
            space.ip("address", "add", f"{addr}/24", "dev", space.dev)
        rig.wait_for(lambda: proc.output().count("interface is up again") == 2, "the log line", 10, proc)
        t.check("it goes on when the interface was deleted and made anew", sees(lab, proc, "after it was gone"))
        t.check("it ends in good order", proc.stop() == 0, proc.tail())

        # As in a unit with ProcSubset=pid.
        lab.sensor.ip("route", "add", "default", "via", lab.attacker_addr)
        small_proc = ["unshare", "--mount", "sh", "-c", 'mount -t proc -o subset=pid proc /proc && exec "$@"', "sh"]
        proc = lab.sensor.start([*small_proc, rig.program("lurker-capture"), *common[:4]], name="default-route")
        rig.wait_for(lambda: "started" in proc.output() or proc.poll() is not None, "capture", 10)
        t.check("where there are only processes in /proc, the default route's interface is found", proc.poll() is None and
                sees(lab, proc, "on the default interface"), proc.tail())
        t.check("and it ends in good order", proc.stop() == 0, proc.tail())
        clean = not (lab.state / "records" / "alert").exists()
        proc = lab.sensor.start([rig.program("lurker-capture"), *common], name="capture2")
        rig.wait_for(lambda: "started" in proc.output(), "capture", 10, proc)
        t.check("a clean end leaves no hole", clean and not (lab.state / "records" / "alert").exists())
        second = lab.sensor.start([rig.program("lurker-capture"), *common], name="second")
        t.check("a second capture on the same journal is refused", second.wait() == 1 and "another capture" in second.output(),
                second.output())
        plain = lab.sensor.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", rig.program("lurker-capture"),
                                "--state-dir", lab.dir / "x", "--run-dir", lab.dir / "y", "-i", "s0"], check=False)
        t.check("without privilege it says what it needs", plain.returncode == 1 and
                ("CAP_NET_RAW" in plain.stderr or "directory cannot be made" in plain.stderr), plain.stderr)
        gone = lab.sensor.run([rig.program("lurker-capture"), *common[:4], "-i", "nosuch0"], check=False)
        t.check("an interface that is not there is named", gone.returncode == 1 and "nosuch0" in gone.stderr, gone.stderr)
        wrong = lab.sensor.run([rig.program("lurker-capture"), *common, "-f", "tcp prt 80", "--check"], check=False)
        t.check("--check sees a wrong filter", wrong.returncode == 2 or wrong.returncode == 1, wrong.stderr)
