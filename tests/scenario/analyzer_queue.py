#!/usr/bin/python3
"""lurker-analyzer as a service, on a queue that the test fills: records, broken files, a full disk, SIGKILL, a subscriber that
does not read."""

import collections
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import rig
from captures import flow, packet, pcap

HOUR = "pcap/2026/11/21/10"

t = rig.Report("analyzer_queue")
rig.require(t, programs=["lurker-analyzer"], root=False)


class Service:
    def __init__(self, place):
        self.state = place / "state"
        self.run = place / "run"
        self.run.mkdir()
        self.queue = self.state / "spool/queue/analyzer" / HOUR
        self.queue.mkdir(parents=True)
        self.child = None

    def put(self, name, data):
        """Puts a file into the queue atomically, as flowagg does."""
        tmp = self.state / "spool/new"
        tmp.write_bytes(data)
        tmp.rename(self.queue / name)

    def start(self, *extra):
        self.child = subprocess.Popen(
            [rig.program("lurker-analyzer"), "--sensor", "test", "--state-dir", self.state, "--run-dir", self.run,
             "--user", "", *extra], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=rig.environment())

    def stop(self, sig=signal.SIGTERM):
        self.child.send_signal(sig)
        _, err = self.child.communicate(timeout=20)
        return self.child.returncode, err.decode(errors="replace")

    def waiting(self):
        return sorted(p.name for p in self.queue.glob("*")) if self.queue.exists() else []

    def records(self):
        lines = []
        for path in sorted((self.state / "records/analysis").glob("*.jsonl")):
            lines += path.read_text().splitlines()
        return [json.loads(x) for x in lines]


def upload(sport, n):
    """A flow with n bytes of payload."""
    return pcap([packet(sport, 1, 2)] + [packet(sport, 2 + at, 24, os.urandom(min(60_000, n - at))) for at in range(0, n, 60_000)])


def crowd(place, uploads=160, size=1 << 20):
    """While a subscriber does not read, a bounded number of bytes of large records waits for it. The service and the other
    subscribers count the records that are not sent."""
    import msgpack
    import zmq

    place.mkdir()
    service = Service(place)
    service.start()
    context = zmq.Context()

    def subscriber(**options):
        s = context.socket(zmq.SUB)
        for key, value in {"LINGER": 0, **options}.items():
            s.setsockopt(getattr(zmq, key), value)
        s.connect(f"ipc://{service.run}/analyzer.sock")
        s.subscribe("")
        return s
    still, reader = subscriber(RCVHWM=1, RCVBUF=4096), subscriber(RCVHWM=100_000)
    for s in (still, reader):
        rig.wait_for(lambda each=s: each.poll(0), "the subscription", proc=service.child)
    for i in range(uploads):
        service.put(f"{1700000000 + i}_a.pcap", upload(1000 + i, size))
    rig.wait_for(lambda: not service.waiting(), "the queue to be worked off", timeout=60, proc=service.child)
    service.put("last.pcap", flow(999))
    rig.wait_for(lambda: not service.waiting(), "the last entry", proc=service.child)
    most = int(next(x for x in pathlib.Path(f"/proc/{service.child.pid}/status").read_text().splitlines()
                    if x.startswith("VmHWM")).split()[1]) >> 10
    numbers, crowded_out = [], None
    while (not numbers or numbers[-1] != uploads or crowded_out is None) and reader.poll(3000):
        topic, envelope, body = reader.recv_multipart()
        if topic == b"analysis":
            numbers.append(msgpack.unpackb(envelope)["seq"])
            crowded_out = None  # to be told by a later message
        elif topic == b"stat":
            crowded_out = msgpack.unpackb(body)["drops"]["bus_crowded_out"]
    code, err = service.stop()
    context.destroy()
    t.check("with a subscriber that does not read: one record a flow in the file",
            code == 0 and len(service.records()) == uploads + 1, err)
    t.check("what it would keep waiting is sent to nobody", crowded_out, crowded_out)
    t.check("and another misses exactly so many", numbers and uploads + 1 - len(numbers) == crowded_out, (len(numbers), crowded_out))
    t.check("and the service stays small", most < 200, f"{most} MiB")


with t, tempfile.TemporaryDirectory() as name:
    crowd(pathlib.Path(name) / "crowd")
    service = Service(pathlib.Path(name))
    for i in range(300):
        service.put(f"{1700000000 + i}_a.pcap", flow(1000 + i))
    service.put("broken.pcap", b"this is no capture")
    service.put("cut.pcap", flow(9000)[:-5])
    service.start()
    rig.wait_for(lambda: not service.waiting(), "the queue to be worked off", proc=service.child)
    service.put("late.pcap", flow(9001))
    rig.wait_for(lambda: not service.waiting(), "an entry that came later", proc=service.child)
    code, err = service.stop()
    records = service.records()
    t.check("it ends on SIGTERM", code == 0, err)
    t.check("one record a flow, the cut one too", len(records) == 302, len(records))
    ports = [r["src_port"] for r in records if r["src_port"] < 9000]
    t.check("oldest first", ports == sorted(ports) and len(ports) == 300, ports[:20])
    one = records[0]
    t.check("the record says where its capture is",
            one["s3path"] == f"file://{service.state}/objects/{HOUR}/1700000000_a.pcap" and one["sensor"] == "test", one)
    t.check("it is what the command line prints", service.state and (lambda p: (
        p.write_bytes(flow(1000)), json.loads(subprocess.run(
            [rig.program("lurker-analyzer"), "--sensor", "test", "--destination", f"file://{service.state}/objects/", p],
            stdout=subprocess.PIPE, check=True).stdout))[1])(
                (lambda d: (d.mkdir(parents=True), d / "1700000000_a.pcap")[1])(pathlib.Path(name) / HOUR)) == one, one)
    aside = sorted(p.name for p in (service.state / "spool/bad/analyzer" / HOUR).glob("*"))
    t.check("broken files are set aside", aside == ["broken.pcap", "cut.pcap"], aside)
    t.check("and said so", "broken capture file" in err, err)

    # Killed again and again while it works: nothing is lost, and repeated records are the same.
    service.queue.mkdir(parents=True, exist_ok=True)
    for i in range(2000):
        service.put(f"{1700001000 + i}_b.pcap", flow(10000 + i))
    for _ in range(4):
        service.start()
        before = len(service.waiting())
        deadline = time.monotonic() + 5
        while len(service.waiting()) > before - 200 and before > 200 and time.monotonic() < deadline:
            time.sleep(0.001)
        service.stop(signal.SIGKILL)
    service.start()
    rig.wait_for(lambda: not service.waiting(), "the rest", timeout=30, proc=service.child)
    service.stop()
    count = collections.Counter()
    for r in service.records():
        if 10000 <= r["src_port"] < 12000:
            count[r["flow_id"], r["payload_sha256"]] += 1
    t.check("killed at any time it loses no record", len(count) == 2000, len(count))
    ids = {i for i, _ in count}
    t.check("and a record that comes twice has the same identity", len(ids) == 2000, len(ids))

    # A full disk: the entries stay until there is room, and are processed then.
    if os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], check=False).returncode == 0:
        service.queue.mkdir(parents=True, exist_ok=True)
        records_dir = service.state / "records/analysis"
        full = pathlib.Path(name) / "full"
        full.mkdir()
        service.put("z.pcap", flow(20000))
        script = (f"mount -t tmpfs -o size=16k none {records_dir} && head -c 1M /dev/zero > {records_dir}/fill; "
                  f"\"$@\" & pid=$!; trap 'kill -TERM $pid' TERM; sleep 2; ls {service.queue} > {full}/waiting; "
                  f"rm {records_dir}/fill; sleep 2; cat {records_dir}/*.jsonl > {full}/records; kill -TERM $pid; wait $pid")
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", rig.program("lurker-analyzer"), "--sensor", "test",
                               "--state-dir", service.state, "--run-dir", service.run, "--user", ""],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
        t.check("with a full disk the entry stays", (full / "waiting").read_text() == "z.pcap\n", done.stderr)
        written = (full / "records").read_text() if (full / "records").exists() else ""
        t.check("and its record is written once there is room",
                [json.loads(x)["src_port"] for x in written.splitlines()] == [20000] and not service.waiting(),
                written + done.stderr)
    else:
        t.skip("full disk: needs root and mount namespaces")
