#!/usr/bin/python3
"""The responder survives changes of its interface: down and up, one more address, removed and recreated. Two
responders do not fight, and a host that forwards for others (containers behind its address) keeps doing so."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import measure
import rig

t = rig.Report("responder_interface")
rig.require(t, "nft", "curl", programs=["lurker-responder"])
PYTHON = "/usr/bin/python3"

HELLO = """
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2]))); s.listen()
while True:
    c, _ = s.accept()
    c.sendall(b"REAL\\n"); c.recv(100); c.close()
"""
TALK = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
s.settimeout(1)
try:
    print("received", s.recv(100))
except TimeoutError:
    print("silent")
"""


def start(lab, name, *more):
    proc = lab.sensor.start([rig.program("lurker-responder"), "-i", "s0", "--state-dir", lab.state, "--run-dir", lab.run_dir,
                             *more], name=name)
    rig.wait_for(lambda: "answering" in proc.output(), "the responder", 10, proc)
    return proc


def says(space, address, port):
    return space.run([PYTHON, "-c", TALK, address, port], check=False).stdout.strip()


def answers(lab, address):
    return says(lab.attacker, address, 4444) == "silent"


def second_one(lab):
    done = lab.sensor.run([rig.program("lurker-responder"), "-i", "s0", "--state-dir", lab.dir / "x", "--run-dir", lab.dir / "y"],
                          check=False)
    t.check("a second responder is refused and told why", done.returncode == 1 and "another responder" in done.stderr, done.stderr)


def down_and_up(lab, proc):
    lab.sensor.ip("link", "set", "s0", "down")
    rig.wait_for(lambda: "interface is down" in proc.output(), "the log line", 15, proc)
    cpu = measure.cpu_ns(proc.pid)
    time.sleep(1.5)
    t.check("while the interface is down it waits quietly", measure.cpu_ns(proc.pid) - cpu < 100_000_000)
    lab.sensor.ip("link", "set", "s0", "up")
    rig.wait_for(lambda: answers(lab, lab.sensor_addr), "an answer", 15, proc)
    t.check("it answers when the interface is up again", proc.poll() is None)


def ends(proc, why):
    """Waits until the responder ends and asks to be restarted."""
    code = proc.wait(30)
    t.check(f"{why}: it ends, to be started anew", code == 1 and "started anew" in proc.output(), f"{code}\n{proc.tail()}")


def another_address(lab):
    server = lab.sensor.start([PYTHON, "-c", HELLO, "0.0.0.0", 22], name="hello")
    rig.wait_for(lambda: ":22 " in lab.sensor.run(["ss", "-Hltn"]).stdout, "port 22", 10, server)
    proc = start(lab, "network", "-n", "198.51.100.0/26")
    lab.sensor.ip("link", "add", "d0", "type", "bridge")
    lab.sensor.ip("address", "add", "192.0.2.1/32", "dev", "d0")
    lab.sensor.ip("address", "add", "198.51.100.3/24", "dev", "s0")
    ends(proc, "the host has a watched address more")
    proc = start(lab, "network2", "-n", "198.51.100.0/26")
    t.check("port 22 of that address is the host's", "REAL" in says(lab.attacker, "198.51.100.3", 22))
    t.check("its others are not", answers(lab, "198.51.100.3"))
    lab.sensor.ip("address", "add", "192.0.2.2/32", "dev", "d0")
    lab.sensor.ip("address", "del", "198.51.100.3/24", "dev", "s0")
    ends(proc, "it has one less")
    proc = start(lab, "own")
    lab.sensor.ip("address", "flush", "dev", "s0")
    rig.wait_for(lambda: "interface is down" in proc.output(), "the log line", 15, proc)
    t.check("without any address it waits", proc.poll() is None)
    lab.sensor.ip("address", "add", "198.51.100.4/24", "dev", "s0")
    ends(proc, "the address changed, as DHCP does it")
    lab.attacker.ip("route", "replace", str(lab.prefix), "via", "198.51.100.4")
    proc = start(lab, "own2")
    t.check("the new address answers", answers(lab, "198.51.100.4"))
    proc.stop()


def gone_and_back(lab):
    proc = start(lab, "anew", "-n", "203.0.113.0/24")
    lab.sensor.ip("link", "del", "s0")
    rig.wait_for(lambda: "interface is down" in proc.output(), "the log line", 15, proc)
    t.check("without its interface it waits", proc.poll() is None)
    lab.sensor.ip("link", "add", "s0", "type", "veth", "peer", "name", "a0", "netns", lab.attacker.name)
    for space, addr in ((lab.sensor, lab.sensor_addr), (lab.attacker, lab.attacker_addr)):
        space.ip("link", "set", space.dev, "up")
        space.ip("address", "add", f"{addr}/24", "dev", space.dev)
    lab.attacker.ip("route", "replace", str(lab.prefix), "via", lab.sensor_addr)
    ends(proc, "the interface was made anew")
    proc = start(lab, "anew2", "-n", "203.0.113.0/24")
    t.check("and answers again", answers(lab, lab.host(5)))
    t.check("the end is in order", proc.stop() == 0, proc.tail())


NAT = """
table ip nat {
	chain out { type nat hook postrouting priority srcnat; policy accept; ip saddr 10.9.9.0/24 oifname "s0" masquerade; }
	chain in { type nat hook prerouting priority dstnat; policy accept; iifname "s0" tcp dport 8443 dnat to 10.9.9.2:443; }
}
"""


def forwards(lab):
    """A guest behind the sensor's only address, like a container: masquerading out, a forwarded port in."""
    guest = rig.Namespace(lab, "guest", "g0", False)
    try:
        lab.sensor.ip("link", "add", "v0", "type", "veth", "peer", "name", "g0", "netns", guest.name)
        for space, dev, addr in ((lab.sensor, "v0", "10.9.9.1"), (guest, "g0", "10.9.9.2")):
            space.ip("link", "set", dev, "up")
            space.ip("address", "add", f"{addr}/24", "dev", dev)
        guest.ip("route", "add", "default", "via", "10.9.9.1")
        proc = start(lab, "router")
        lab.sensor.sysctl("net.ipv4.ip_forward", 1)
        ends(proc, "the host became a router")
        if lab.sensor.run(["nft", "-f", "-"], data=NAT, check=False).returncode:
            t.skip("this kernel has no NAT")
            return
        for space, addr, port in ((lab.attacker, lab.attacker_addr, 9000), (guest, "10.9.9.2", 443)):
            server = space.start([PYTHON, "-c", HELLO, addr, port], name=f"hello{port}")
            rig.wait_for(lambda: f":{port} " in space.run(["ss", "-Hltn"]).stdout, f"port {port}", 10, server)
        t.check("before, the guest gets out and its port is reached", "REAL" in says(guest, lab.attacker_addr, 9000)
                and "REAL" in says(lab.attacker, lab.sensor_addr, 8443))
        proc = start(lab, "forwards", "-e", "8443")
        t.check("connections of a guest behind the host go on working", "REAL" in says(guest, lab.attacker_addr, 9000))
        t.check("so does an excluded port that the host forwards", "REAL" in says(lab.attacker, lab.sensor_addr, 8443))
        t.check("while every other port is lurker's", answers(lab, lab.sensor_addr))
        proc.stop()
        proc = start(lab, "forwards2")
        t.check("a forwarded port that is not excluded is lurker's", says(lab.attacker, lab.sensor_addr, 8443) == "silent")
        proc.stop()
    finally:
        rig._ip("netns", "del", guest.name, check=False)


with t:
    with rig.Lab() as lab:
        proc = start(lab, "first", "-n", lab.sensor_addr)
        second_one(lab)
        down_and_up(lab, proc)
        proc.stop()
        forwards(lab)
        another_address(lab)
    with rig.Lab() as lab:
        gone_and_back(lab)
