#!/usr/bin/python3
"""Real clients connect to the responder: all their data arrives and is acknowledged, also over a bad wire.

The test captures at the client. A row passes if every byte that the client sent was acknowledged, nothing
else was, and the sensor sent no RST.
"""

import ipaddress
import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import badwire
import rig
import streams

t = rig.Report("responder_clients")
rig.require(t, "curl", "tcpdump", "nft", programs=["lurker-responder"])

UPLOAD = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
s.settimeout(25)
s.sendall(bytes(range(251)) * (int(sys.argv[3]) // 251) + b"x" * (int(sys.argv[3]) % 251))
s.shutdown(socket.SHUT_WR)
print("eof" if s.recv(1) == b"" else "data")
"""
URLLIB = """
import sys, urllib.request
try:
    urllib.request.urlopen(sys.argv[1], data=b"u" * 40000, timeout=1.5).read()
except OSError:
    pass
"""
PYTHON = "/usr/bin/python3"


def responder(lab, *more):
    proc = lab.sensor.start([rig.program("lurker-responder"), "-i", lab.sensor.dev, "-n", lab.prefix, "-n", lab.prefix6,
                             "--state-dir", lab.state, "--run-dir", lab.run_dir, *more], name="responder")
    rig.wait_for(lambda: "answering" in proc.output(), "the responder", 10, proc)
    return proc


class Wire:
    """Captures at the client during the with statement, then returns the streams."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name

    def __enter__(self):
        self.proc, self.path = self.lab.attacker.capture("-s 256 tcp", self.name)
        return self

    def __exit__(self, kind, value, trace):
        time.sleep(1.2)  # tcpdump hands over a block a second
        self.proc.stop()
        nets = (self.lab.prefix, self.lab.prefix6)
        self.streams = streams.read(self.path, lambda a: any(ipaddress.ip_address(a) in n for n in nets))
        self.ports = streams.by_port(self.streams)
        return False


def rows(lab):
    """(name, port, least bytes, argv, seconds) of each client of the table."""
    run = []
    v4, v6 = lab.host(10), lab.host6(10)
    (lab.dir / "body").write_bytes(b"b" * 40000)
    body = f"@{lab.dir}/body"
    run.append(("curl GET", 8001, 60, ["curl", "-sm", "1", f"http://{v4}:8001/a"]))
    run.append(("curl GET over IPv6", 8002, 60, ["curl", "-sgm", "1", f"http://[{v6}]:8002/a"]))
    run.append(("curl POST of 40 KB", 8003, 40100,
                ["curl", "-sm", "1", "-H", "Expect:", "--data-binary", body, f"http://{v4}:8003/"]))
    run.append(("curl POST with Expect: 100-continue", 8004, 40100,
                ["curl", "-sm", "3", "-H", "Expect: 100-continue", "--data-binary", body, f"http://{v4}:8004/"]))
    run.append(("urllib POST of 40 KB", 8005, 40100, [PYTHON, "-c", URLLIB, f"http://{v4}:8005/"]))
    run.append(("60 KB", 8006, 60000, [PYTHON, "-c", UPLOAD, v4, "8006", "60000"]))
    run.append(("1 MB", 8007, 1000000, [PYTHON, "-c", UPLOAD, v4, "8007", "1000000"]))
    run.append(("1 MB over IPv6", 8008, 1000000, [PYTHON, "-c", UPLOAD, v6, "8008", "1000000"]))
    run.append(("16 MB", 8009, 16000000, [PYTHON, "-c", UPLOAD, v4, "8009", "16000000"]))
    if shutil.which("openssl"):
        run.append(("openssl s_client", 8010, 200, ["timeout", "1", "openssl", "s_client", "-connect", f"{v4}:8010"]))
    if shutil.which("redis-cli"):
        run.append(("redis-cli PING", 8011, 14, ["timeout", "1", "redis-cli", "-h", v4, "-p", "8011", "PING"]))
    if shutil.which("ssh"):
        run.append(("ssh", 8012, 20, ["timeout", "1", "ssh", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes", "-o",
                                      "UserKnownHostsFile=/dev/null", "-p", "8012", f"root@{v4}"]))
    return run


LONG = 1_000_000  # from here on a busy machine makes a client probe for a lost tail (RFC 8985 section 7) that was not lost


def judge(wire, name, port, least):
    got = wire.ports.get(port, [])
    bad = [s for s in got if not s.whole or (s.again and least < LONG)]
    t.check(f"{name}: {sum(s.bytes for s in got)} bytes sent and acknowledged" + ", nothing sent twice" * (least < LONG),
            got and not bad and max(s.bytes for s in got) >= least,
            [(s.key, s.opened, s.bytes, s.acked, s.again, s.early) for s in got])


def clients(lab):
    with Wire(lab, "clients") as wire:
        for _, _, _, argv in rows(lab):
            lab.attacker.run(argv, check=False, timeout=120)
    for name, port, least, _ in rows(lab):
        judge(wire, name, port, least)
    t.check("no RST left the sensor", not any(s.reset_back for s in wire.streams))
    ended = [s for s in wire.ports[8006] + wire.ports[8009]]
    t.check("a FIN is answered with a FIN", all(s.fin_back for s in ended), [s.key for s in ended if not s.fin_back])


def scanners(lab):
    mac = lab.sensor.run(["cat", "/sys/class/net/s0/address"]).stdout.strip()
    with Wire(lab, "scanners") as wire:
        if shutil.which("masscan"):
            # The clock advances only with packets, so ping.
            lab.attacker.run(["sh", "-c", "ping -q -i 0.2 -c 60 $0 >/dev/null & exec \"$@\"", lab.sensor_addr,
                              "masscan", lab.host(20), "-p80", "--banners", "--source-ip", "198.51.100.77", "-i", "a0",
                              "--router-mac", mac.replace(":", "-"), "--rate", "100", "--wait", "5"],
                             check=False, timeout=120)
        if shutil.which("nmap"):
            lab.attacker.run(["nmap", "-n", "-Pn", "-sV", "--version-intensity", "1", "-p", "8021", lab.host(20)],
                             check=False, timeout=180)
            scan = lab.attacker.run(["nmap", "-n", "-Pn", "-sS", "-p", "1-400", lab.host(21)], check=False, timeout=120)
    if shutil.which("masscan"):
        got = [s for s in wire.ports.get(80, []) if s.bytes]
        t.check("masscan --banners: its hello is acknowledged", got and all(s.whole for s in got),
                [(s.key, s.bytes, s.acked) for s in wire.ports.get(80, [])])
    else:
        t.skip("masscan is not installed")
    if shutil.which("nmap"):
        got = [s for s in wire.ports.get(8021, []) if s.bytes]
        t.check("nmap -sV: its probes are acknowledged", got and all(s.whole and not s.again for s in got),
                [(s.key, s.bytes, s.acked, s.again) for s in wire.ports.get(8021, [])])
        t.check("nmap -sS sees 400 open ports", scan.stdout.count("/tcp ") + scan.stdout.count("open") >= 400,
                scan.stdout[-600:])
    else:
        t.skip("nmap is not installed")
    t.check("no RST left the sensor to scanners", not any(s.reset_back for s in wire.streams))


def bad_wire(lab):
    badwire.move_client(lab)
    badwire.lose(lab)
    with Wire(lab, "loss") as wire:
        lab.attacker.run([PYTHON, "-c", UPLOAD, lab.host(30), "8030", "1000000"], check=False, timeout=120)
        lab.attacker.run([PYTHON, "-c", UPLOAD, lab.host6(30), "8031", "300000"], check=False, timeout=120)
    badwire.lose(lab, False)
    for port, size in ((8030, 1000000), (8031, 300000)):
        got = wire.ports.get(port, [])
        t.check(f"{size} bytes with 4% loss both ways and 10% doubled arrive whole "
                f"({sum(s.again for s in got)} segments sent again)",
                got and got[0].whole and got[0].bytes == size, [(s.key, s.bytes, s.acked, s.early) for s in got])
        t.check(f"over IPv{4 if port == 8030 else 6} SACK shows what is missing ({got[0].sacks if got else 0} times)", got and got[0].sacks)

    if not badwire.reorder(lab):
        t.skip("tc htb is not there, so nothing reorders")
        return
    with Wire(lab, "reorder") as wire:
        lab.attacker.run([PYTHON, "-c", UPLOAD, lab.host(31), "8040", "2000000"], check=False, timeout=120)
    got = wire.ports.get(8040, [])
    t.check(f"2 MB reordered arrive whole ({got[0].dupacks if got else 0} duplicate ACKs)",
            got and got[0].whole and got[0].bytes == 2000000 and got[0].dupacks,
            [(s.key, s.bytes, s.acked, s.early) for s in got])


def limited(lab):
    proc = responder(lab, "--connection-bytes", "100000", "--nudge", "--nudge-ms", "300")
    with Wire(lab, "limited") as wire:
        lab.attacker.run([PYTHON, "-c", UPLOAD.replace("25", "2"), lab.host(50), "8050", "1000000"], check=False,
                         timeout=120)
        if shutil.which("ssh"):
            lab.attacker.run(["timeout", "2", "ssh", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes", "-o",
                              "UserKnownHostsFile=/dev/null", "-p", "2222", f"root@{lab.host(50)}"], check=False)
    got = wire.ports.get(8050, [])
    # The window is in units of 128 bytes, so the last unit may stay closed.
    t.check(f"a connection ends politely at its limit: {got[0].acked if got else 0} bytes acknowledged, a FIN, no RST",
            got and 100000 - 128 < got[0].acked <= 100000 and got[0].fin_back and not got[0].reset_back,
            [(s.key, s.acked, s.fin_back, s.reset_back) for s in got])
    if shutil.which("ssh"):
        got = wire.ports.get(2222, [])
        t.check(f"ssh with the nudge on sends its KEXINIT: {got[0].bytes if got else 0} bytes",
                got and got[0].whole and got[0].bytes > 1000 and got[0].back.startswith(b"SSH-2.0-"),
                [(s.key, s.bytes, s.acked, bytes(s.back)) for s in got])
    t.check("the responder ends with 0", proc.stop() == 0, proc.tail())


with t:
    with rig.Lab() as lab:
        proc = responder(lab)
        clients(lab)
        scanners(lab)
        bad_wire(lab)
        t.check("the responder ends with 0", proc.stop() == 0, proc.tail())
        limited(lab)
