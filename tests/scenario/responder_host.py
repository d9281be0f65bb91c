#!/usr/bin/python3
"""The responder on a host with one interface and one address: the operator's port and the host's own connections
keep working, lurker owns every other port, the kernel is silent, and everything is undone when the process
ends, however it ends. Then the link: the responder answers for addresses without an owner, and answers tagged
frames with their tags."""

import pathlib
import pwd
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import records
import rig
import streams

t = rig.Report("responder_host")
rig.require(t, "dropbear", "nft", "nmap", "ssh", "ssh-keygen", "tcpdump", programs=["lurker-responder"])
PYTHON = "/usr/bin/python3"

# Sends a greeting, then echoes each line.
ECHO = """
import socketserver, sys
class Line(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"REAL\\n")
        for line in self.rfile:
            self.wfile.write(line)
class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = daemon_threads = True
Server(("0.0.0.0", int(sys.argv[1])), Line).serve_forever()
"""
# Holds one session with ECHO, or with what a command starts: a line a tenth of a second, each of which must come back.
SESSION = """
import socket, subprocess, sys, time
if len(sys.argv) == 3:
    to = back = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).makefile("rwb")
else:
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    to, back = command.stdin, command.stdout
assert back.readline() == b"REAL\\n"
n = 0
while True:
    to.write(b"line %d\\n" % n); to.flush()
    assert back.readline() == b"line %d\\n" % n
    n += 1
    print(n, flush=True)
    time.sleep(0.1)
"""
TALK = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)
s.settimeout(1)
s.sendall(b"hello\\n")
try:
    print("received", s.recv(100))
except TimeoutError:
    print("silent")
"""
# Frames made by hand: SYNs with the tags given, from an address of the attacker's. To port 81 with the bare pseudo-header
# sum that an offload leaves, to port 82 with a wrong one.
TAGGED = """
import socket, struct, sys
def sum16(b):
    b += b"\\0" * (len(b) % 2)
    s = sum(struct.unpack(">%dH" % (len(b) // 2), b))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff
src, dst, mac, dev, tags = socket.inet_aton(sys.argv[1]), socket.inet_aton(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]
port, pseudo = int(sys.argv[6]), src + dst + struct.pack(">HH", 6, 24)
tcp = struct.pack(">HHIIBBHHHBBH", 4242, port, 7, 0, 0x60, 2, 1024, 0, 0, 2, 4, 1460)
good = sum16(pseudo + tcp)
total = {81: sum16(pseudo) ^ 0xffff, 82: good ^ 1}.get(port, good)
tcp = tcp[:16] + struct.pack(">H", total) + tcp[18:]
ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0) + src + dst
ip = ip[:10] + struct.pack(">H", sum16(ip)) + ip[12:]
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((dev, 0))
own = s.getsockname()[4]
s.send(bytes.fromhex(mac.replace(":", "")) + own + bytes.fromhex(tags) + b"\\x08\\0" + ip + tcp)
"""


def responder(lab, *more):
    proc = lab.sensor.start([rig.program("lurker-responder"), "-i", lab.sensor.dev, "--state-dir", lab.state, "--run-dir",
                             lab.run_dir, *more], name=f"responder{len(lab.procs)}")
    rig.wait_for(lambda: "answering" in proc.output(), "the responder", 10, proc)
    return proc


def has_table(lab):
    return "table inet lurker" in lab.sensor.run(["nft", "list", "tables"]).stdout


def talk(space, address, port):
    return space.run([PYTHON, "-c", TALK, address, port], check=False).stdout.strip()


def serve(space, port, argv):
    server = space.start(argv, name=f"server{port}")
    rig.wait_for(lambda: f":{port} " in space.run(["ss", "-Hltn"]).stdout, f"port {port}", 10, server)


def ssh_server(lab):
    """Starts the operator's sshd on port 22 and returns the command of a session. The server finds the key in the user's
    home directory, which another directory covers in a mount namespace."""
    home, account = lab.dir / "home", pwd.getpwuid(0)
    (home / ".ssh").mkdir(mode=0o700, parents=True)
    lab.sensor.run(["dropbearkey", "-t", "ecdsa", "-f", lab.dir / "host"])
    lab.sensor.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", lab.dir / "user"])
    (home / ".ssh" / "authorized_keys").write_text((lab.dir / "user.pub").read_text())
    serve(lab.sensor, 22, ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" "$2" && exec dropbear -F -E -s -p 22 -r "$3"',
                           "sh", home, account.pw_dir, lab.dir / "host"])
    return ["ssh", "-F", "none", "-i", lab.dir / "user", "-o", "BatchMode=yes", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "StrictHostKeyChecking=no", f"{account.pw_name}@{lab.sensor_addr}", "echo REAL; exec cat"]


def one_address(lab):
    for space, ports in ((lab.sensor, (2200, 8080)), (lab.attacker, (9000,))):
        for port in ports:
            serve(space, port, [PYTHON, "-c", ECHO, port])
    ssh = ssh_server(lab)
    early = lab.attacker.start([PYTHON, "-c", SESSION, *ssh], name="early ssh")
    rig.wait_for(lambda: early.output().count("\n") > 2, "a session", 10, early)
    proc = responder(lab, "-e", "2200-2201")
    dump, path = lab.attacker.capture("-s 256 tcp or icmp", "host")
    late = lab.attacker.start([PYTHON, "-c", SESSION, *ssh], name="late ssh")
    excluded = lab.attacker.start([PYTHON, "-c", SESSION, lab.sensor_addr, 2200], name="excluded")
    out = lab.sensor.start([PYTHON, "-c", SESSION, lab.attacker_addr, 9000], name="outbound")

    t.check("a real service on another port is hidden", talk(lab.attacker, lab.sensor_addr, 8080) == "silent")
    t.check("a closed port is answered", talk(lab.attacker, lab.sensor_addr, 4444) == "silent")
    t.check("so it is over IPv6", talk(lab.attacker, lab.sensor_addr6, 4444) == "silent")
    scan = lab.attacker.run(["nmap", "-n", "-Pn", "-sS", "-p", "100-400", lab.sensor_addr], check=False, timeout=60)
    t.check("a SYN scan sees 301 open ports", scan.stdout.count("open") + scan.stdout.count("/tcp ") >= 301, scan.stdout[-500:])
    lab.attacker.run(["nmap", "-n", "-Pn", "-sA", "-p", "500-520", lab.sensor_addr], check=False, timeout=60)
    lab.attacker.run(["nmap", "-n", "-Pn", "-sU", "--max-retries", "0", "-p", "5000-5003", lab.sensor_addr], check=False)
    lab.sensor.run(["nft", "flush", "ruleset"], check=False)
    t.check("another process cannot flush the table", has_table(lab))
    for session in (early, late, excluded, out):
        before = session.output().count("\n")
        went_on = rig.wait_for(lambda: session.output().count("\n") > before + 3 or session.poll() is not None, "lines", 10)
        t.check(f"the {session.name} session goes on", went_on and session.poll() is None, session.tail())
    time.sleep(1.2)
    dump.stop()
    packets = [x for x in (streams.parse(f) for _, f, _ in records.packets(path)) if x]
    resets = [x[:4] for x in packets if x[0] in (lab.sensor_addr, lab.sensor_addr6) and x[6] & 4]
    t.check("no RST left the sensor", not resets, resets[:10])
    icmp = [f for _, f, _ in records.packets(path) if f[12:14] == b"\x08\x00" and f[23] == 1]
    t.check("no port unreachable left it for a UDP probe", not icmp, len(icmp))

    proc.kill()
    t.check("after SIGKILL the table is gone", not has_table(lab))
    again = lab.attacker.run([PYTHON, "-c", TALK, lab.sensor_addr, 4444], check=False)
    t.check("and the host is as it was", "refused" in again.stderr and "REAL" in talk(lab.attacker, lab.sensor_addr, 8080))
    proc = responder(lab)
    t.check("the table can be made again", has_table(lab))
    t.check("SIGTERM ends it with 0", proc.stop() == 0, proc.tail())
    t.check("after SIGTERM the table is gone", not has_table(lab))
    t.check("the early session still goes on", early.poll() is None, early.tail())


def link(lab):
    proc = responder(lab, "-a", "-n", "198.51.100.64/26", "-n", "198.51.100.192/26", "-n", "2001:db8:1::/64", "--icmp-echo")
    t.check("an address that nobody owns answers on the link", talk(lab.attacker, "198.51.100.70", 80) == "silent")
    t.check("so it does over IPv6", talk(lab.attacker, "2001:db8:1::abcd", 80) == "silent")
    ping = lab.attacker.run(["ping", "-c", "1", "-W", "2", "198.51.100.71"], check=False)
    t.check("and is pinged, on request", ping.returncode == 0, ping.stdout)
    mac = lab.sensor.run(["cat", "/sys/class/net/s0/address"]).stdout.strip()
    dump, path = lab.attacker.capture("", "tags")
    wanted = {"8100e005": "one tag", "88a80064 8100c065": "QinQ"}
    for tags in wanted:
        lab.attacker.run([PYTHON, "-c", TAGGED, lab.attacker_addr, "198.51.100.72", mac, "a0", tags.replace(" ", ""), 80])
    for address, port in (("198.51.100.255", 84), ("198.51.100.254", 85)):
        lab.attacker.run([PYTHON, "-c", TAGGED, lab.attacker_addr, address, mac, "a0", "", port])
    for source, port in (("198.51.100.255", 86), ("198.51.100.0", 87), ("198.51.100.3", 88)):
        lab.attacker.run([PYTHON, "-c", TAGGED, source, "198.51.100.72", mac, "a0", "", port])
    for port in (81, 82, 83):
        lab.attacker.run([PYTHON, "-c", TAGGED, lab.attacker_addr, "198.51.100.72", mac, "a0", "", port])
    time.sleep(1.3)
    dump.stop()
    frames = [f for _, f, _ in records.packets(path)]
    for tags, name in wanted.items():
        raw = bytes.fromhex(tags.replace(" ", ""))
        back = [f for f in frames if f[12:12 + len(raw)] == raw and f[6:12].hex(":") == mac]
        t.check(f"a SYN with {name} is answered with it", len(back) == 1 and back[0][12 + len(raw):14 + len(raw)] == b"\x08\x00",
                [f.hex() for f in frames if f[12:14] in (b"\x81\x00", b"\x88\xa8")])
    back = {x[1] for x in (streams.parse(f) for f in frames) if x and x[6] == 0x12}
    t.check("over a wire a checksum that an offload would leave is as bad as another", not back & {81, 82} and 83 in back, back)
    t.check("a subnet's broadcast address is not answered for, its neighbour is", not back & {84} and 85 in back, back)
    t.check("nor are SYNs from its broadcast and network address", not back & {86, 87} and 88 in back, back)
    t.check("the responder ends with 0", proc.stop() == 0, proc.tail())


def complaints(lab):
    """Impossible configurations are refused with advice, and --check has no side effects."""
    def run(*args, **env):
        return lab.sensor.run([rig.program("lurker-responder"), "--state-dir", lab.dir / "none", "--run-dir", lab.dir / "none2",
                               *args], check=False)

    done = run("--check", "-i", "s0")
    t.check("--check is content", done.returncode == 0 and not has_table(lab) and not (lab.dir / "none").exists(), done.stderr)
    for args, words in ((("--check",), "-i"), (("--check", "-i", "nix0"), "no such interface"),
                        (("--check", "-i", "s0", "-n", "10.0.0.1/8"), "10.0.0.1/8"),
                        (("--check", "-i", "s0", "-e", "80-x"), "80-x")):
        done = run(*args)
        t.check(f"{' '.join(args)}: says \"{words}\"", done.returncode and words in done.stderr, done.stderr)
    setpriv = ["setpriv", "--reuid", "65534", "--clear-groups", "--bounding-set", "-all", "--inh-caps", "-all"]
    done = lab.sensor.run([*setpriv, rig.program("lurker-responder"), "-i", "s0", "--state-dir", lab.dir, "--run-dir", lab.dir],
                          check=False)
    t.check("without privilege it says what it needs", done.returncode and "CAP_NET_RAW" in done.stderr + done.stdout,
            done.stderr)


with t:
    with rig.Lab() as lab:
        one_address(lab)
        link(lab)
        complaints(lab)
