#!/usr/bin/python3
"""The host's own connections close: on a host whose only address is watched, whoever closes first, however late the other
end follows, with data behind the first FIN, and by reset; over IPv4 and IPv6, begun by the host and begun by a peer at an
excluded port. Each connection must leave no socket behind but one in TIME_WAIT."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import rig

t = rig.Report("responder_closing")
rig.require(t, "ss", programs=["lurker-responder"])
PYTHON = "/usr/bin/python3"
LATE_S = 1.2  # the kernel has made its timewait socket by then

# The two ends of one connection. The first line says who ends it and how; each end says "done" when it has done its part.
END = """
import socket, struct, sys, time
role, address, port, how, late = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], float(sys.argv[5])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
if role == "server":
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port)); listener.listen(1)
    print("listening", flush=True)
    s, _ = listener.accept()
    listener.close()
else:
    s = socket.socket(family); s.settimeout(20)
    s.connect((address, port))
s.settimeout(20)
s.sendall(b"hello"); assert s.recv(5, socket.MSG_WAITALL) == b"hello"
first, way = how.split("-")
if first == role or first == "both":
    if way == "reset":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif way == "half":
        s.shutdown(socket.SHUT_WR)
        n = 0
        while block := s.recv(65536):
            n += len(block)
        assert n == 300000, n
    s.close()
else:
    try:
        assert s.recv(1) == b""
    except ConnectionResetError:
        assert way == "reset"
    if way == "half":
        s.sendall(b"x" * 300000)
    elif way == "fin":
        time.sleep(late)
    s.close()
print("done", flush=True)
"""
OPEN_STATES = {"ESTAB", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "LAST-ACK", "CLOSING", "SYN-RECV", "SYN-SENT"}


def open_sockets(space, port):
    """States of the port's connections that are not closed yet. A socket that waits for the peer's FIN is not closed."""
    found = []
    for line in space.run(["ss", "-Htan"]).stdout.splitlines():
        state, _, _, local, peer = line.split()[:5]
        if f":{port}" in (local[local.rfind(":"):], peer[peer.rfind(":"):]) and state in OPEN_STATES:
            found.append(line)
    return found


def connection(lab, number, begun_by_host, v6, how, late):
    address = {(True, False): lab.attacker_addr, (True, True): lab.attacker_addr6,
               (False, False): lab.sensor_addr, (False, True): lab.sensor_addr6}[begun_by_host, v6]
    serves, connects = (lab.attacker, lab.sensor) if begun_by_host else (lab.sensor, lab.attacker)
    port = 9000 + number if begun_by_host else 2200 + number
    args = [address, port, how, late]
    server = serves.start([PYTHON, "-c", END, "server", *args], name=f"server{port}")
    rig.wait_for(lambda: "listening" in server.output() or server.poll() is not None, "a server", 20, server)
    client = connects.start([PYTHON, "-c", END, "client", *args], name=f"client{port}")
    name = (f"{'begun by the host' if begun_by_host else 'begun by a peer'}, IPv{6 if v6 else 4}, {how}"
            f"{', the other end late' if late else ''}")

    def closed():
        return (server.poll() is not None and client.poll() is not None
                and not open_sockets(lab.sensor, port) + open_sockets(lab.attacker, port))
    try:
        rig.wait_for(closed, "closed sockets", 30)
        good = "done" in server.output() and "done" in client.output()
    except rig.Timeout:
        good = False
    t.check(name, good, {"server": server.tail(), "client": client.tail(), "host": open_sockets(lab.sensor, port),
                         "peer": open_sockets(lab.attacker, port)})


with t:
    with rig.Lab() as lab:
        responder = lab.sensor.start([rig.program("lurker-responder"), "-i", lab.sensor.dev, "--state-dir", lab.state,
                                      "--run-dir", lab.run_dir, "-e", "2200-2299"], name="responder")
        rig.wait_for(lambda: "answering" in responder.output(), "the responder", 20, responder)
        number = 0
        for begun_by_host in (True, False):
            for v6 in (False, True):
                for how, late in (("client-fin", 0), ("client-fin", LATE_S), ("server-fin", 0), ("server-fin", LATE_S),
                                  ("both-fin", 0), ("client-half", 0), ("server-half", 0), ("client-reset", 0),
                                  ("server-reset", 0)):
                    number += 1
                    connection(lab, number, begun_by_host, v6, how, late)
        t.check("the responder ends with 0", responder.stop() == 0, responder.tail())
