#!/usr/bin/python3
"""Real clients connect to the whole sensor: the sensor's capture files have, byte for byte, what each connection
sent on the client's wire. The rows are those of the table of clients, over IPv4 and IPv6, and over a wire that
drops, duplicates and reorders."""

import concurrent.futures
import ipaddress
import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import badwire
import records
import rig
import sensor as sensors
import streams

t = rig.Report("sensor_clients")
rig.require(t, "curl", "openssl", "redis-cli", "ssh", "masscan", "nmap", "zmap", "tcpdump",
            programs=["lurker", *(f"lurker-{s}" for s in sensors.SERVICES)])
PYTHON = "/usr/bin/python3"
BODY = bytes((i * 7 + i // 251) % 251 + 1 for i in range(40_000))

# Sends size bytes that do not repeat; `fast`: the first of them on the SYN.
UPLOAD = """
import random, socket, sys
host, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
data = random.Random(port).randbytes(size)
if "fast" in sys.argv:
    s = socket.socket()
    s.settimeout(25)
    at = s.sendto(data[:400], socket.MSG_FASTOPEN, (host, port))
    s.sendall(data[at:])
else:
    s = socket.create_connection((host, port), 5)
    s.settimeout(25)
    s.sendall(data)
s.shutdown(socket.SHUT_WR)
s.recv(1)
"""
REQUESTS = """
import requests, sys
try:
    requests.request(sys.argv[1], sys.argv[2], data=open(sys.argv[3], "rb").read() if len(sys.argv) > 3 else None, timeout=1.5)
except requests.RequestException:
    pass
"""
SSH = ["ssh", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes", "-o", "UserKnownHostsFile=/dev/null"]


class Row:
    """One client: its connections to a port of a host. least: the number of bytes that one of them must have sent;
    body: the end of these bytes."""

    def __init__(self, name, host, port, least, argv, body=b""):
        self.name, self.host, self.port, self.least, self.argv, self.body = name, host, port, least, argv, body


def rows(lab):
    v4, v6, file = lab.host(10), lab.host6(10), lab.dir / "body"
    file.write_bytes(BODY)
    at = lambda port: f"http://{v4}:{port}/"
    curl, send = ["curl", "-sgm", "4"], [PYTHON, "-c", UPLOAD]
    post = ["--data-binary", f"@{file}"]
    router = lab.sensor.run(["cat", "/sys/class/net/s0/address"]).stdout.strip()
    return [
        Row("curl GET", v4, 8001, 70, [*curl, at(8001)]),
        Row("curl POST of 40 KB", v4, 8002, 40_100, [*curl, "-H", "Expect:", *post, at(8002)], BODY),
        Row("curl POST with Expect: 100-continue", v4, 8003, 40_100, [*curl, "-H", "Expect: 100-continue", *post, at(8003)], BODY),
        Row("requests GET", v4, 8004, 100, [PYTHON, "-c", REQUESTS, "GET", at(8004)]),
        Row("requests POST of 40 KB", v4, 8005, 40_100, [PYTHON, "-c", REQUESTS, "POST", at(8005), file], BODY),
        Row("curl POST of 40 KB over IPv6", v6, 8006, 40_100, [*curl, "-H", "Expect:", *post, f"http://[{v6}]:8006/"], BODY),
        Row("60 KB", v4, 8007, 60_000, [*send, v4, 8007, 60_000]),
        Row("1 MB over IPv6", v6, 8008, 1_000_000, [*send, v6, 8008, 1_000_000]),
        Row("16 MB", v4, 8009, 16_000_000, [*send, v4, 8009, 16_000_000]),
        Row("60 KB, the first on the SYN", v4, 8010, 60_000, [*send, v4, 8010, 60_000, "fast"]),
        Row("TLS hello", v4, 8011, 200, ["timeout", "2", "openssl", "s_client", "-connect", f"{v4}:8011"]),
        Row("redis-cli PING", v4, 8012, 14, ["timeout", "2", "redis-cli", "-h", v4, "-p", "8012", "PING"], b"PING\r\n"),
        Row("ssh", v4, 8013, 20, ["timeout", "2", *SSH, "-p", "8013", f"root@{v4}"]),
        Row("ssh and its KEXINIT, nudged", v4, 2222, 1_000, ["timeout", "4", *SSH, "-p", "2222", f"root@{v4}"]),
        Row("nmap -sV", v4, 8014, 18, ["nmap", "-n", "-Pn", "-sV", "--version-intensity", "2", "-p", "8014", v4]),
        Row("masscan --banners", v4, 80, 100,
            # The clock advances only with packets, so ping.
            ["sh", "-c", "ping -q -i 0.2 -c 60 $0 >/dev/null & exec \"$@\"", lab.sensor_addr,
             "masscan", v4, "-p80", "--banners", "--source-ip", "198.51.100.77", "-i", lab.attacker.dev, "--router-mac",
             router.replace(":", "-"), "--rate", "100", "--wait", "10"]),
    ]


def watched(lab):
    return lambda a: any(ipaddress.ip_address(a) in n for n in (lab.prefix, lab.prefix6))


def stored(lab):
    """The streams of all capture files that the sensor stored."""
    packets = [(ts, frame) for path in records.files(lab.state) if "objects" in path.parts for ts, frame, _ in records.packets(path)]
    return {(s.key, s.isn): s for s in streams.of_frames((f for _, f in sorted(packets, key=lambda p: p[0])), watched(lab))}


def settled(lab, sensor, sent):
    """Waits until all data is stored, or nothing more arrives; returns the stored streams."""
    def same():
        have = stored(lab)
        return all((s.key, s.isn) in have and have[s.key, s.isn].sent == s.sent for s in sent) and have
    try:
        return rig.wait_for(same, "all conversations stored", 45, sensor.up)
    except rig.Timeout:
        return stored(lab)


def judge(row, sent, have):
    """Checks that the sensor's files have everything that the row's connections sent."""
    mine = [s for s in sent if s.key[2] == row.host and s.key[3] == row.port and s.bytes]
    lost = [(s.key, s.bytes, have[s.key, s.isn].bytes if (s.key, s.isn) in have else "no file") for s in mine
            if (s.key, s.isn) not in have or bytes(have[s.key, s.isn].data) != bytes(s.data)]
    unacked = [(s.key, s.bytes, s.acked) for s in mine if not s.whole]
    best = max(mine, key=lambda s: s.bytes, default=None)
    good = best and best.bytes >= row.least and bytes(best.data).endswith(row.body) and not lost and not unacked
    t.check(f"{row.name}: {sum(s.bytes for s in mine)} bytes sent by {len(mine)} connection{'s' * (len(mine) != 1)}, "
            "acknowledged and stored as they were", good, f"stored otherwise: {lost}\nnot acknowledged: {unacked}\n"
            f"all: {[(s.key, s.opened, s.bytes) for s in sent if s.key[3] == row.port]}")


def run(lab, sensor, all_rows, name):
    dump, path = lab.attacker.capture("-B 65536 tcp", name)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda row: lab.attacker.run(row.argv, check=False, timeout=120), all_rows))
    if name == "clients":
        lab.attacker.run(["zmap", "-q", "-i", lab.attacker.dev, "-p", "8020", "-G", lab.sensor.run(
            ["cat", "/sys/class/net/s0/address"]).stdout.strip(), "-r", "500", "-c", "2", "-o", lab.dir / "zmap.out", "-b",
            "/dev/null", str(lab.prefix)], check=False, timeout=60)
    time.sleep(1.2)  # tcpdump hands over a block a second
    dump.stop()
    sent = streams.read(path, watched(lab))
    have = settled(lab, sensor, [s for s in sent if s.bytes])
    for row in all_rows:
        judge(row, sent, have)
    t.check("no RST left the sensor", not any(s.reset_back for s in sent))
    return sent


def zmap(lab, sent):
    found = {line.strip() for line in (lab.dir / "zmap.out").read_text().splitlines()} if (lab.dir / "zmap.out").exists() else set()
    t.check(f"zmap finds all of the /24 open ({len(found)})", len(found) >= 256, sorted(found)[:5])
    t.check("no alert was raised", not [a for a in records.read(lab.state, "alert") if a["kind"] == "reflection"])


def bad(lab, sensor):
    badwire.move_client(lab)
    badwire.lose(lab)
    run(lab, sensor, [
        Row("400 KB with loss and doubles", lab.host(30), 8030, 400_000, [PYTHON, "-c", UPLOAD, lab.host(30), 8030, 400_000]),
        Row("the same over IPv6", lab.host6(30), 8031, 400_000, [PYTHON, "-c", UPLOAD, lab.host6(30), 8031, 400_000])], "loss")
    badwire.lose(lab, False)
    if badwire.reorder(lab):
        run(lab, sensor, [Row("1 MB reordered", lab.host(31), 8040, 1_000_000,
                              [PYTHON, "-c", UPLOAD, lab.host(31), 8040, 1_000_000])], "reorder")
    else:
        t.skip("tc htb is not there, so nothing reorders")


with t, rig.Lab() as lab:
    lab.attacker.sysctl("net.ipv4.tcp_fastopen", 5)  # data on the SYN without having a cookie
    sensor = sensors.Sensor(lab, {"responder": {"nudge": True, "nudge_ms": 500}}).start()
    sent = run(lab, sensor, rows(lab), "clients")
    zmap(lab, sent)
    bad(lab, sensor)
    t.check("the sensor ends in order", sensor.stop() == 0, sensor.up.tail())
