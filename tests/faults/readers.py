"""Services that are stopped for a while, subscribers that are slow, late or cut off: memory stays capped, what a subscriber
missed is what the numbers say, nothing on disk is lost."""

import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time

import pipeline  # sets the path to the rig
import frames
import live
import records
import rig

# Reads stat and packet messages; prints what it got and what the sequence numbers say it missed. Sleeps before each if slow.
SUBSCRIBER = r"""
import sys, time, msgpack, zmq
endpoint, slow, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
s = zmq.Context().socket(zmq.SUB)
s.setsockopt(zmq.RCVHWM, 10)
s.setsockopt(zmq.RCVBUF, 4096)
s.connect(endpoint)
s.subscribe("packet")
last, got, missed, first = None, 0, 0, None
end = time.monotonic() + seconds
while time.monotonic() < end:
    if not s.poll(200):
        continue
    topic, envelope, body = s.recv_multipart()
    seq = msgpack.unpackb(envelope)["seq"]
    first = seq if first is None else first
    if last is not None:
        missed += seq - last - 1
    last, got = seq, got + 1
    time.sleep(slow)
print(f"first {first} last {last} got {got} missed {missed}", flush=True)
"""


def stopped(case, short):
    """Each service in turn is stopped under traffic, and goes on. While capture is, the ring takes what it can (a block of it is full
    after 50 ms, however little came), and the kernel counts the rest."""
    rest = 2 if short else 60
    services = ("flowagg", "uploader") if short else ("flowagg", "uploader", "analyzer", "responder", "capture")
    with rig.Lab() as lab:
        watch = live.Live(lab)
        watch.talk(int(len(services) * (rest + 1) * 10), 0.1)
        for service in services:
            before = live.memory(watch.sensor)
            pid = watch.sensor.pids()[service]
            sent = watch.sent()
            os.kill(pid, signal.SIGSTOP)
            time.sleep(rest)
            now = live.memory(watch.sensor)
            os.kill(pid, signal.SIGCONT)
            begin = time.monotonic()
            stamp = watch.sensor.bus.stat(service)
            rig.wait_for(lambda s=service, x=stamp: watch.sensor.bus.stat(s) != x, f"{service} going on", 10, watch.sensor.up)
            case.recovered = max(case.recovered or 0, time.monotonic() - begin)
            case.times += 1
            more = {s: (before[s][0] >> 20, b >> 20) for s, (b, _) in now.items() if b > before[s][0] + (32 << 20)}
            case.require(not more, f"while {service} stood still, memory grew: {more}")
            time.sleep(1)
            watch.unseen |= watch.sent() - sent if service == "capture" else set()

        def balanced():
            of = watch.sensor.bus.stat("capture")
            return of["kernel_packets"] == of["received"] + of["dropped_kernel"]
        case.require(watch.sensor.bus.starts("flowagg") == 1, "flowagg was restarted")
        watch.client.stop()
        rig.wait_for(balanced, "the kernel's count to be what was received and dropped", 10, watch.sensor.up)
        dropped = watch.sensor.bus.stat("capture")["dropped_kernel"]
        watch.finish(case, whole=True)
        gone = watch.unseen - watch.stored.keys()
        case.require(dropped or not gone, f"{len(gone)} connections were not seen, and the kernel dropped nothing")
        case.note(f"{len(watch.sent())} connections; {len(gone)} of them unseen while capture stood still; the kernel dropped {dropped} packets")
        case.require(case.recovered <= 5, f"{case.recovered:.1f} s until it went on")


def subscribers(case, short):
    """A slow one, one that is killed in the middle, and one that comes late: capture's memory is capped, the gap is the count."""
    seconds = 4 if short else 15
    with rig.Lab() as lab:
        watch = live.Live(lab)
        watch.talk(seconds * 10, 0.1)
        endpoint = f"ipc://{lab.run_dir}/capture.sock"

        def subscriber(slow, name, for_s=seconds):
            return lab.sensor.start(["/usr/bin/python3", "-c", SUBSCRIBER, endpoint, slow, for_s], name=name)
        before = live.memory(watch.sensor)["capture"][0]
        slow, quick, doomed = subscriber(0.4, "slow"), subscriber(0, "quick"), subscriber(0, "doomed", 600)
        time.sleep(seconds / 2)
        doomed.kill()
        late = subscriber(0, "late", seconds / 2)
        for proc in (slow, quick, late):
            rig.wait_for(lambda p=proc: p.poll() is not None, "the end of a subscriber", seconds + 10)
            words = proc.output().split()
            case.times += 1
            if not case.require(len(words) == 8 and words[1] != "None", f"{proc.name}: {proc.output()}"):
                continue
            first, last, got, missed = map(int, words[1::2])
            case.require(got + missed == last - first + 1, f"{proc.name}: the gap is not the count: {words}")
            case.require(proc is slow or missed == 0, f"{proc.name} missed {missed}")
            case.require(proc is not late or first > 1, "the late one got what was before it")
        grown = live.memory(watch.sensor)["capture"][0] - before
        case.require(grown < 32 << 20, f"capture grew by {grown >> 20} MiB")
        watch.client.stop()
        watch.finish(case, whole=True)


class Relay:
    """Hands a TCP connection on to another port and cuts it, both ways and at once, whenever so many bytes as each of `after` says
    have come from there."""

    def __init__(self, port, after):
        self.port, self.after, self.cuts = port, iter(after), 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self.server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client = self.server.accept()[0]
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                client.close()  # the publisher is not there yet
                continue
            threading.Thread(target=self._pump, args=(client, server), daemon=True).start()
            self._pump(server, client, next(self.after, None))

    def _pump(self, source, to, left=None):
        try:
            while left != 0 and (data := source.recv(65536 if left is None else left)):
                to.sendall(data)
                left = None if left is None else left - len(data)
            self.cuts += left == 0
        except OSError:
            pass
        for end in (source, to):
            try:
                end.shutdown(socket.SHUT_RDWR)  # the other direction may wait in it
            except OSError:
                pass
            end.close()


def cut_off(case, short):
    """flowagg reads from capture by TCP, and the connection is cut in the middle of messages: it connects again, and what it missed
    comes from the journal."""
    rnd, cuts = random.Random(3), 3 if short else 25
    with pipeline.Pipeline() as p:
        keys, path = p.dir / "keys", p.dir / "in.pcap"
        for name in ("sensor", "reader"):
            subprocess.run([rig.program("lurker"), "keygen", keys, name], check=True, capture_output=True)
        (keys / "allowed").mkdir()
        shutil.copy(keys / "reader.pub", keys / "allowed")
        frames.write(path, frames.conversations(30 * cuts, every_s=0.05))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        relay = Relay(port, (rnd.randrange(3000, 30_000) for _ in range(cuts)))
        procs = {"flowagg": p.start("flowagg", "--producers", f"capture={relay.address}", "--curve-secret", keys / "reader.secret",
                                    "--curve-server", keys / "sensor.pub")}
        procs |= {s: p.start(s) for s in ("uploader", "analyzer")}
        capture = p.start("capture", "-r", path, "--pace", 1, "--endpoint", f"tcp://127.0.0.1:{port}", "--curve-secret",
                          keys / "sensor.secret", "--curve-clients", keys / "allowed")
        case.require(capture.wait(120) == 0, capture.tail())
        rig.wait_for(p.done, "the end of the work", 30)
        relay.server.close()
        case.times = relay.cuts
        case.require(relay.cuts == cuts, f"{relay.cuts} cuts instead of {cuts}")
        now = p.now("flowagg")
        case.require(now["packets_bus"], "nothing came by the bus")
        case.require(not now["dropped_gap"] and not now["bus_malformed"], f"flowagg: {now}")
        case.note(f"flowagg missed {now['bus_missed']} messages, had {now['packets_bus']} packets and ticks from the bus and "
                  f"{now['packets_journal']} from the journal")
        texts = {records.payload(r) for r in p.records() if r["dst_port"] == 80}
        case.lost = sum(frames.text(n) not in texts for n in range(30 * cuts))
        for s, proc in procs.items():
            case.require(proc.stop() == 0, f"{s} ended with {proc.poll()}\n{proc.tail()}")
        said = p.audit()
        case.require(said.returncode == 0, said.stdout + said.stderr)


CASES = {"readers-stopped": stopped, "readers-slow-late": subscribers, "readers-cut-off": cut_off}
