"""Services are stopped for a while; subscribers are slow, late or disconnected. Memory is bounded, the sequence
numbers tell what each subscriber missed, and nothing on disk is lost."""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pipeline  # sets the path to the rig
import flood
import frames
import live
import records
import rig

# Takes in capture's messages until it is ended, and sleeps after each if it is slow, until SIGUSR1. With each stat message it says
# how far it is. At the end, as JSON: [sequence number, number of the first packet] of each packet message, and of each stat message
# [batches, sequence number of the last packet message before it].
SUBSCRIBER = r"""
import json, signal, sys, time, msgpack, zmq
endpoint, slow = sys.argv[1], float(sys.argv[2])
running, got, stats, last = True, [], [], -1
def end(*_):
    global running
    running = False
def hurry(*_):
    global slow
    slow = 0
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGUSR1, hurry)
s = zmq.Context().socket(zmq.SUB)
s.setsockopt(zmq.RCVHWM, 10)
s.connect(endpoint)
s.subscribe("packet")
s.subscribe("stat")
while running:
    if not s.poll(200):
        continue
    topic, envelope, body = s.recv_multipart()
    if topic == b"stat":
        stats.append([msgpack.unpackb(body)["counters"]["batches"], last])
        print("at", last, flush=True)
        continue
    last = msgpack.unpackb(envelope)["seq"]
    got.append([last, msgpack.unpackb(body)["first"]])
    time.sleep(slow)
print(json.dumps({"got": got, "stats": stats}), flush=True)
"""


class Subscriber:
    def __init__(self, lab, name, slow=0):
        self.name = name
        self.proc = lab.sensor.start(["/usr/bin/python3", "-c", SUBSCRIBER, f"ipc://{lab.run_dir}/capture.sock", slow], name=name)

    def reach(self, seq):
        """Waits until it has had message seq, or a later one."""
        def there():
            at = re.findall(r"^at (-?\d+)$", self.proc.output(), re.M)
            return at and int(at[-1]) >= seq
        rig.wait_for(there, f"message {seq} to {self.name}", 30, self.proc)
        return self

    def end(self):
        if self.proc.stop() != 0:
            raise rig.Failed(f"{self.name}: {self.proc.tail()}")
        said = json.loads(self.proc.output().splitlines()[-1])
        self.got, self.stats = dict(said["got"]), said["stats"]

    def gaps(self):
        """What the sequence numbers say was missed between the first and the last."""
        seqs = list(self.got)
        return sum(after - before - 1 for before, after in zip(seqs, seqs[1:]))


def stopped(case, short):
    """Each service in turn is stopped under traffic, and goes on. While capture is, the ring takes what it can (a block of it is full
    after 50 ms, however little came), and the kernel counts the rest."""
    rest = 2 if short else 60
    services = ("flowagg", "uploader") if short else tuple(reversed(rig.services.SENSOR))
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
    """While a flood comes: one that is quick, one that is slow, one that is killed, and one that comes late. Capture's memory is
    capped; sequence numbers count what capture counts, and tell the slow one how much of what the quick one has is missing."""
    count = 100_000 if short else 500_000
    with rig.Lab() as lab:
        # A queue that the slow one fills.
        watch = live.Live(lab, {"hwm": 150})
        watch.talk(40 if short else 200, 0.1)
        stat, peak = watch.sensor.bus.stat, 0
        before = live.memory(watch.sensor)["capture"][0]
        quick = Subscriber(lab, "quick").reach(0)
        slow, doomed = Subscriber(lab, "slow", 0.4).reach(0), Subscriber(lab, "doomed").reach(0)
        sender = flood.sender(lab, count, 25_000)

        def sent(share):
            nonlocal peak
            peak = max(peak, live.memory(watch.sensor)["capture"][0])
            return stat("capture")["received"] >= share * count and (share < 1 or sender.poll() is not None)
        rig.wait_for(lambda: sent(0.5), "half of the flood", 120, watch.sensor.up)
        doomed.proc.kill()
        had = stat("capture")["batches"]
        late = Subscriber(lab, "late").reach(had)
        rig.wait_for(lambda: sent(1), "the end of the flood", 120, watch.sensor.up)
        slow.proc.signal(signal.SIGUSR1)  # it learns of its gap from what comes after it
        slow.reach(stat("capture")["batches"])
        for each in (slow, late, quick):
            each.end()
            case.times += 1
        case.require(len(quick.stats) > 2 and not quick.gaps(), f"the quick one missed {quick.gaps()}, {quick.stats}")
        other = [x for x in quick.stats if x[1] >= 0 and x[0] != x[1] + 1]
        case.require(not other, f"capture's count of messages and the last sequence number differ: {other}")
        for each in (slow, late):
            other = [(n, first) for n, first in each.got.items() if quick.got.get(n) != first]
            case.require(not other, f"{each.name}: not the messages that the quick one has under the same numbers: {other[:5]}")
            there = sum(min(each.got) <= n <= max(each.got) for n in quick.got)
            case.require(there - len(each.got) == each.gaps(),
                         f"{each.name} missed {there - len(each.got)} messages, and its numbers say {each.gaps()}")
        case.require(slow.gaps(), f"the slow one missed nothing of {len(quick.got)} messages")
        case.require(not late.gaps() and min(late.got) >= had, f"the late one: {late.gaps()} gaps, from {min(late.got)}, {had} were sent")
        case.require(peak - before < 32 << 20, f"capture grew by {peak - before >> 20} MiB")
        case.note(f"{len(quick.got)} messages; the slow one missed {slow.gaps()}; capture grew by {(peak - before) / 2**20:.1f} MiB")
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
