"""Attacks a sensor in a Lab with real clients, and checks the results. The demo and the tests share this module."""

import concurrent.futures
import json
import pathlib
import subprocess

import records
import rig

COMMANDS = ("curl", "ssh", "redis-cli", "openssl", "nmap", "masscan", "tcpdump", "tshark")
SNI = "shop.example.net"
UDP_PROBE = b"lurker udp probe"
POST_BODY = bytes((i * 7 + i // 251) % 251 + 1 for i in range(40_000))
NMAP_PORTS = (21, 3306, 9200)
SWEEP_HOSTS = range(40, 44)
SWEEP_PORTS = tuple(range(7, 65536, 1024))  # 64 ports, from 7 to 64519


class Attacks:
    """One round of attacks. run() blocks; each finished client is reported as progress(name, line)."""

    def __init__(self, lab):
        self.lab = lab
        self.body = lab.dir / "post.bin"
        self.body.write_bytes(POST_BODY)
        self.plan = {
            "sweep": (f"masscan, {len(SWEEP_PORTS)} ports of {len(SWEEP_HOSTS)} addresses", self.sweep),
            "get": ("curl, a GET", lambda: self.curl(f"http://{lab.host(10)}/admin")),
            "post": ("curl, a POST of 40,000 bytes", lambda: self.curl(
                "-H", "Content-Type: application/octet-stream", "--data-binary", f"@{self.body}",
                f"http://{lab.host(11)}:8080/upload")),
            "own": ("curl, to the sensor's own address", lambda: self.curl(f"http://{lab.sensor_addr}:8081/")),
            "ipv6": ("curl, over IPv6", lambda: self.curl("-g", f"http://[{lab.host6(0x17)}]/six")),
            "ssh": ("ssh", lambda: self.client(
                "ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "ConnectTimeout=3", "-F",
                "none", "-o", "UserKnownHostsFile=/dev/null", f"root@{lab.host(12)}")),
            "redis": ("redis-cli PING", lambda: self.client("redis-cli", "-h", lab.host(13), "PING")),
            "tls": (f"openssl s_client for {SNI}", lambda: self.client(
                "openssl", "s_client", "-connect", f"{lab.host(14)}:443", "-servername", SNI)),
            "udp": ("a UDP datagram", lambda: self.client(
                "bash", "-c", f"printf '{UDP_PROBE.decode()}' >/dev/udp/{lab.host(15)}/1900")),
            "nmap": (f"nmap -sV on ports {', '.join(map(str, NMAP_PORTS))}", self.nmap),
        }

    def client(self, *argv, timeout=4):
        """Ends a client that waits for an answer after some seconds."""
        try:
            self.lab.attacker.run(argv, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            pass

    def curl(self, *arguments):
        self.client("curl", "-s", "-m", "4", *arguments, timeout=8)

    def nmap(self):
        self.client("nmap", "-sV", "-Pn", "-n", "--version-intensity", "1", "--host-timeout", "14s", "-p",
                    ",".join(map(str, NMAP_PORTS)), self.lab.host(16), timeout=20)

    def sweep(self):
        router = json.loads(self.lab.sensor.ip("-j", "link", "show", self.lab.sensor.dev).stdout)[0]["address"]
        self.lab.attacker.run(
            ["masscan", f"{self.lab.host(SWEEP_HOSTS[0])}-{self.lab.host(SWEEP_HOSTS[-1])}", "-p",
             ",".join(map(str, SWEEP_PORTS)), "--rate", "1000", "--wait", "1", "--adapter", self.lab.attacker.dev,
             "--source-ip", self.lab.attacker_addr, "--router-mac", router], timeout=30)

    def run(self, progress=lambda what: None, only=None):
        """Runs all attacks (or those named in only) at the same time."""
        chosen = [self.plan[name] for name in only or self.plan]
        with concurrent.futures.ThreadPoolExecutor(len(chosen)) as pool:
            done = {pool.submit(act): what for what, act in chosen}
            for future in concurrent.futures.as_completed(done):
                future.result()
                progress(done[future])


class Wanted:
    """The records that each attack must leave; found(records) is true once all are there."""

    def __init__(self, lab):
        self.lab = lab
        self.single = {"get": ("tcp", lab.host(10), 80), "post": ("tcp", lab.host(11), 8080),
                       "own": ("tcp", lab.sensor_addr, 8081), "ipv6": ("tcp", lab.host6(0x17), 80),
                       "ssh": ("tcp", lab.host(12), 22), "redis": ("tcp", lab.host(13), 6379),
                       "tls": ("tcp", lab.host(14), 443), "udp": ("udp", lab.host(15), 1900)}
        self.nmap = {(lab.host(16), port) for port in NMAP_PORTS}
        self.swept = {(lab.host(n), port) for n in SWEEP_HOSTS for port in SWEEP_PORTS}

    def find(self, recs, name):
        """The record of one attack with the most payload, or None."""
        proto, addr, port = self.single[name]
        mine = [r for r in recs if (r["proto"], r["dst_addr"], r["dst_port"]) == (proto, addr, port)]
        return max(mine, key=lambda r: r["payload_len"], default=None)

    def missing(self, recs):
        """The names of the attacks whose records are missing."""
        there = {(r["dst_addr"], r["dst_port"]) for r in recs}
        spoken = {(r["dst_addr"], r["dst_port"]) for r in recs if r["payload_len"]}
        out = [name for name in self.single if not self.find(recs, name)]
        out += ["nmap"] * bool(self.nmap - spoken) + ["sweep"] * bool(self.swept - there)
        return out

    def checks(self, recs, stored, seen):
        """Yields (text, good, detail) for each check. stored(record) gives the record's capture file; seen has the
        frames that the attacker captured."""
        def get(name):
            return self.find(recs, name) or {"payload": "", "payload_len": 0}

        def data(name):
            return records.payload(get(name))

        post = data("post")
        yield ("the GET is recorded", data("get").startswith(b"GET /admin HTTP/1.1\r\n"), get("get"))
        yield ("the POST arrived whole, all 40,000 bytes of its body",
               post.startswith(b"POST /upload ") and post.partition(b"\r\n\r\n")[2] == POST_BODY,
               f"{len(post)} bytes: {post[:200]!r}")
        banner = get("ssh").get("ssh", {}).get("banner", "")
        yield ("the ssh client's banner", data("ssh").startswith(b"SSH-2.0-") and banner.startswith("SSH-2.0-"),
               get("ssh"))
        yield ("the TLS hello with its server name", get("tls").get("tls", {}).get("sni") == SNI, get("tls"))
        yield ("PING for redis", b"PING" in data("redis"), get("redis"))
        yield ("the datagram", data("udp") == UDP_PROBE, get("udp"))
        yield ("the request over IPv6", data("ipv6").startswith(b"GET /six HTTP/1.1\r\n"), get("ipv6"))
        yield ("the request to the sensor's own address", data("own").startswith(b"GET / HTTP/1.1\r\n"), get("own"))
        spoken = {(r["dst_addr"], r["dst_port"]) for r in recs if r["payload_len"]}
        yield ("nmap spoke on each of its ports", self.nmap <= spoken, sorted(self.nmap - spoken))
        there = {(r["dst_addr"], r["dst_port"]) for r in recs}
        yield (f"each of the {len(self.swept)} swept ports has a flow", self.swept <= there,
               f"{len(self.swept - there)} are missing, such as {sorted(self.swept - there)[:5]}")
        yield ("every source that spoke is verified", all(
            get(n).get("verified") for n in ("get", "post", "own", "ssh", "redis", "tls")),
            [n for n in self.single if not get(n).get("verified")])
        kinds = conversation(stored(get("post"))) if get("post").get("s3path") else {}
        yield ("the POST's capture file has its SYN, our SYN+ACK and the data",
               kinds.get("SYN") and kinds.get("SYN+ACK") and kinds.get("data", 0) >= 40_000, kinds)
        yield from self.attacker_checks(seen)

    def attacker_checks(self, seen):
        answers = {(x[0], x[1]) for x in map(records.tcp, seen) if x and x[4] == "SA" and self.watched(x[0])}
        resets = {(x[0], x[1]) for x in map(records.tcp, seen) if x and "R" in x[4] and self.watched(x[0])}
        expect = {(a, p) for _, a, p in self.single.values() if (a, p) != self.single["udp"][1:]} | self.nmap | self.swept
        yield (f"all {len(expect)} attacked ports answered with a SYN+ACK", expect <= answers,
               f"{len(expect - answers)} did not, such as {sorted(expect - answers)[:5]}")
        yield ("and none with a RST", not resets, sorted(resets)[:10])

    def watched(self, addr):
        import ipaddress
        ip = ipaddress.ip_address(addr)
        return addr == self.lab.sensor_addr or ip in self.lab.prefix or ip in self.lab.prefix6


def conversation(path):
    """Counts in a capture file of one TCP flow: SYNs, SYN+ACKs, packets from us, bytes from the initiator."""
    out = {"packets": 0, "SYN": 0, "SYN+ACK": 0, "ours": 0, "data": 0}
    if path is None:
        return out
    initiator = None
    for _, frame, _ in records.packets(pathlib.Path(path)):
        seg = records.tcp(frame)
        if not seg:
            continue
        out["packets"] += 1
        if seg[4] == "S":
            initiator = seg[:2]
            out["SYN"] += 1
        out["SYN+ACK"] += seg[4] == "SA"
        out["ours"] += seg[:2] != initiator
        out["data"] += len(seg[5]) if seg[:2] == initiator else 0
    return out


def wait_for_records(sensor, wanted, timeout=90):
    """Waits until every attack has its records. Returns them, or those that exist at the timeout."""
    try:
        rig.wait_for(lambda: not wanted.missing(sensor.records()), "records of all attacks", timeout, sensor.up)
    except rig.Timeout:
        pass
    return sensor.records()
