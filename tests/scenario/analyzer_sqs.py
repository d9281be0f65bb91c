#!/usr/bin/python3
"""lurker-analyzer --sqs on a queue and a bucket that verify signatures: every kind of event, redelivery, messages
that cannot be processed and the dead-letter queue, outages of both services, kills at every step, several
workers, SIGTERM."""

import collections
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import cloud
import queues
import rig
from captures import flow
from worker import Worker

HOUR = "pcap/2026/11/21/10"
t = rig.Report("analyzer_sqs")
rig.require(t, programs=["lurker-analyzer"], root=False)
if subprocess.run(["/usr/bin/python3", "-c", "import botocore"], capture_output=True).returncode:
    t.skip("python3-botocore is not installed")
    sys.exit(0)


class Setting:
    """A queue, a bucket and workers of their own."""

    def __init__(self, place, name, count=0, most=1000, **settings):
        self.place, self.name, self.settings = place, name, settings
        self.sqs, self.bucket = queues.Sqs(place, most), queues.Bucket(place)
        self.made = []
        self.add(count)

    def add(self, count):
        for _ in range(count):
            n = len(self.made)
            key = f"{HOUR}/{1700000000 + n}_{self.name}.pcap"
            self.made.append(key)
            self.bucket.put(key, flow(1000 + n), "lab")
            self.sqs.send(queues.event(key))

    def worker(self, name="w", **more):
        return Worker(self.place, f"{self.name}-{name}", self.sqs.queue, self.bucket.url, **{**self.settings, **more})

    def empty(self):
        return self.sqs.waiting() == 0

    def once(self, *workers):
        """Whether all workers together made one record per object."""
        got = collections.Counter(k for w in workers for k in w.keys())
        return got == collections.Counter(self.made)


def by_command_line(place, key, data, sensor):
    path = place.dir / "archive" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    out = subprocess.run([rig.program("lurker-analyzer"), "--sensor", sensor, "--destination", f"s3://{cloud.BUCKET}/",
                          path], stdout=subprocess.PIPE, check=True, env=rig.environment()).stdout
    return json.loads(out)


def wrappings(place):
    s = Setting(place, "plain")
    odd = f"some prefix+x/{HOUR}/1700000900_b c+d%é.pcap"
    keys = [f"{HOUR}/170000080{i}_a.pcap" for i in range(6)] + [odd]
    for i, key in enumerate(keys):
        s.bucket.put(key, flow(5000 + i), "lab" if i != 5 else None)
    s.sqs.send(queues.TEST_EVENT, queues.notification(queues.TEST_EVENT), queues.event(keys[0]),
               queues.notification(queues.event(keys[1])), queues.event(*keys[2:5]),
               queues.event("gone.pcap", name="ObjectRemoved:Delete"), queues.event(keys[5]), queues.event(odd))
    w = s.worker().start().wait(s.empty, "an empty queue")
    t.check("S3's own events, through SNS, several in one, encoded keys: a record each", sorted(w.keys()) == sorted(keys),
            w.keys())
    t.check("what is about no stored object is deleted and said at debug", "test_events=1 others=0" in w.log() and
            "test_events=0 others=1" in w.log(), w.proc.tail())
    by_key = {r["s3path"]: r for r in w.records()}
    one = by_key[f"s3://{cloud.BUCKET}/{keys[0]}"]
    same = by_command_line(place, keys[0], flow(5000), "lab")
    for r in (one, same):
        r.pop("first_seen", None)  # depends on what else was seen
    t.check("the record is that of the sensor that uploaded the object, field by field", one == same, (one, same))
    t.check("without the sensor's name in the object it is the worker's",
            by_key[f"s3://{cloud.BUCKET}/{keys[5]}"]["sensor"] == "worker")
    t.check("a prefix changes nothing of the flow's identity", by_key[f"s3://{cloud.BUCKET}/{odd}"]["flow_id"] ==
            by_command_line(place, odd.partition("/")[2], flow(5006), "lab")["flow_id"])

    s.sqs.send(queues.event(keys[0]), queues.event(*keys[2:5]))
    w.wait(s.empty, "deleted repetitions")
    t.check("it ends in order", w.stop() == 0, w.proc.tail())
    s.sqs.send(queues.notification(queues.event(keys[1])), queues.event(odd))
    w.start().wait(s.empty, "deleted repetitions after a restart")
    w.stop()
    t.check("an object that comes again gives no second record, also after a restart",
            sorted(w.keys()) == sorted(keys) and w.last()["repeated"] == 2, (w.keys(), w.last()))
    t.check("nothing was refused", not s.sqs.refused)


def wrong_secret(place):
    s = Setting(place, "wrong", 3)
    w = s.worker(env=cloud.environment(secret="WRONG")).start()
    w.wait(lambda: "InvalidSignatureException" in w.log(), "a refusal")
    code, alerts = w.stop(), list((w.state / "records" / "alert").glob("*.jsonl"))
    t.check("a wrong secret is refused and said, as an alert", code == 0 and s.sqs.refused and alerts, w.proc.tail())
    t.check("and costs no message a receive", s.sqs.receives() == 0 and s.sqs.waiting() == 3)
    w.env = cloud.environment()
    w.start().wait(s.empty, "the records after the repair")
    w.stop()
    t.check("with the right one all come", s.once(w))


def poison(place):
    s = Setting(place, "poison", 5, most=2, sqs_visibility_s=2, s3_max_bytes=200_000)
    s.bucket.put(f"{HOUR}/1700000100_broken.pcap", b"this is no capture")
    s.bucket.put(f"{HOUR}/1700000101_cut.pcap", flow(7000)[:-5], "lab")
    s.bucket.put(f"{HOUR}/1700000102_large.pcap", flow(7001) + bytes(300_000))
    bad = ["no JSON", "{}", queues.event("../other/x"), queues.event(f"{HOUR}/1700000103_missing.pcap"),
           queues.event("x.pcap", bucket="another-bucket"), queues.event(f"{HOUR}/1700000100_broken.pcap"),
           queues.event(f"{HOUR}/1700000101_cut.pcap"), queues.event(f"{HOUR}/1700000102_large.pcap"),
           queues.event(f"{HOUR}/1700000104_missing.pcap", s.made[0])]
    s.sqs.send(*bad)
    w = s.worker().start().wait(lambda: s.sqs.waiting() == 0, "all gone to one side or the other", 40)
    w.stop()
    t.check("what cannot be done is in the dead-letter queue, and nothing else",
            sorted(m.body for m in s.sqs.dead) == sorted(bad), [m.body[:80] for m in s.sqs.dead])
    said = [x for x in w.log().splitlines() if "left to the dead-letter queue" in x]
    t.check("each was said once, with its id and receive count", len(said) == len(bad) and
            all(sum(f"id={m.id} receives=1" in x for x in said) == 1 for m in s.sqs.dead), "\n".join(said))
    for what in ("it is no JSON object", "it is no event of S3", "component . or ..", "NoSuchKey", "NoSuchBucket",
                 "broken capture file", "larger than s3_max_bytes"):
        t.check(f"with its reason: {what}", any(what in x for x in said), "\n".join(said))
    t.check("and counted", w.last()["sqs_left"] == len(bad), w.last())
    cut = f"{HOUR}/1700000101_cut.pcap"
    t.check("the others were done, and of a broken file what is good, once",
            collections.Counter(w.keys()) == collections.Counter([*s.made, cut]), w.keys())

    s = Setting(place, "forbidden", 2, most=2, sqs_visibility_s=2)
    s.bucket.list_allowed = False
    s.sqs.send(queues.event(f"{HOUR}/1700000103_missing.pcap"))
    s.add(2)
    w = s.worker(sqs_messages=4).start().wait(lambda: s.sqs.dead or not s.sqs.waiting(), "the missing one's end", 100)
    w.stop()
    t.check("where a missing object is forbidden, others that can be got tell", len(s.sqs.dead) == 1 and s.once(w),
            w.proc.tail())


def outages(place):
    down = threading.Event()
    s = Setting(place, "s3-outage", 30, most=2, sqs_visibility_s=6)
    s.bucket.fault = lambda n, key: 503 if down.is_set() else None
    down.set()
    w = s.worker().start().wait(lambda: len(s.bucket.got) > 60, "many tries")
    rig.wait_for(lambda: s.sqs.log.count("ChangeMessageVisibilityBatch") >= 6, "messages kept for two timeouts", 30, w.proc)
    t.check("while S3 is away its messages are kept, and no more are received", s.sqs.receives() == 1 and
            sum(m.receives for m in s.sqs.messages) <= 20 and not w.records(), [m.receives for m in s.sqs.messages])
    down.clear()
    w.wait(s.empty, "the records after the outage")
    w.stop()
    t.check("after it all are done, and none is in the dead-letter queue", s.once(w) and not s.sqs.dead and
            s.sqs.receives() == 1, (len(w.keys()), len(s.sqs.dead), s.sqs.receives()))

    s = Setting(place, "sqs-outage", 60)
    s.sqs.fault = lambda n, action: 500 if down.is_set() else "lost" if n % 9 == 4 else 400 if n % 9 == 7 else None
    w = s.worker(sqs_visibility_s=2).start()
    w.wait(lambda: len(w.keys()) >= 5, "first records")
    down.set()
    tries = len(s.sqs.log) + 6
    w.wait(lambda: len(s.sqs.log) > tries, "tries of a queue that is away")
    down.clear()
    w.wait(s.empty, "an empty queue after the outage", 60)
    w.stop()
    t.check("through lost answers, throttling and an outage of SQS every record comes, once", s.once(w), len(w.keys()))


def slow(place):
    s = Setting(place, "slow", 4, sqs_visibility_s=6)
    s.bucket.delay, s.bucket.fault = 13, lambda n, key: "slow" if n < 4 else None
    w = s.worker().start().wait(s.empty, "slow objects", 40)
    w.stop()
    t.check("an object that takes longer than the visibility timeout is read once", s.once(w) and s.sqs.receives() == 1 and
            len(s.bucket.got) == 4 and w.last()["sqs_extended"] >= 4, (s.sqs.receives(), s.bucket.got))

    s = Setting(place, "drain", 10)
    s.bucket.delay, s.bucket.fault = 30, lambda n, key: "slow" if "1700000003" in key or "1700000007" in key else None
    w = s.worker(sqs_visibility_s=600).start()
    w.wait(lambda: len(w.keys()) == 8, "the quick ones")
    code = w.stop()
    t.check("SIGTERM finishes what it can and gives the rest back at once", code == 0 and s.sqs.waiting() == 2 and
            s.sqs.visible() == 2 and w.last()["sqs_given_back"] == 2, (code, s.sqs.waiting(), s.sqs.visible(), w.proc.tail()))
    s.bucket.fault = lambda n, key: None
    other = s.worker("other").start().wait(s.empty, "the rest, by another worker")
    other.stop()
    t.check("another worker does it", s.once(w, other))


def kills(place):
    """The stand-ins kill the worker when a request arrives, and strace kills it at its system calls."""
    s = Setting(place, "kill", 120, sqs_visibility_s=2)
    w, points = s.worker(), iter(["GET"] * 2 + ["DeleteMessageBatch"] * 3 + ["ChangeMessageVisibilityBatch"] + ["GET"])
    wanted = [next(points)]

    def hit(point):
        if wanted and wanted[0] == point:
            wanted[0] = None
            w.proc.signal(signal.SIGKILL)
            w.proc.wait()

    s.sqs.before = hit
    s.bucket.before = lambda key: hit("GET")
    s.bucket.delay, s.bucket.fault = 1.5, lambda n, key: "slow" if n % 10 == 5 else None
    w.start()
    died = 0
    deadline = time.monotonic() + 60
    while not s.empty() and time.monotonic() < deadline:
        if w.proc.poll() is None:
            time.sleep(0.01)
            continue
        died += 1
        w.start()
        wanted[0] = next(points, None)  # after the start: a request of the one that died may still be on its way
    w.stop()
    t.check(f"killed {died} times while getting, keeping and deleting: no record lost, none twice",
            died >= 5 and s.once(w) and s.empty(), (died, len(w.keys()), len(set(w.keys())), s.sqs.waiting()))

    if not shutil.which("strace"):
        t.note("kills at system calls are not tested: strace is not installed")
        return
    s = Setting(place, "syscalls", sqs_visibility_s=2)
    w, died = s.worker(), 0
    for call in ("write", "fdatasync", "pwrite64", "fdatasync", "write"):
        for when in (1, 2, 3):
            s.add(4)
            # -D: the process that is ended below is then the worker, not strace, which would leave the worker running
            wrap = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
                    "-e", f"inject={call}:signal=KILL:when={when}"]
            for day in ((time.strftime("%Y-%m-%d", time.gmtime(time.time() + d * 86400)) for d in (0, 1))
                        if call != "pwrite64" else ()):
                wrap += ["-P", w.state / f"records/analysis/{day}.jsonl"]
            w.start(wrap)
            rig.wait_for(lambda: w.proc.poll() is not None or s.empty(), "a death or an empty queue", 30)
            died += w.proc.poll() is not None
            w.proc.kill()
    w.start().wait(s.empty, "the rest")
    w.stop()
    t.check(f"killed {died} times at writes and flushes: no record lost, none twice", died >= 8 and s.once(w),
            (died, len(s.made), len(w.keys()), len(set(w.keys()))))


def two_workers(place):
    s = Setting(place, "two", 400)
    a, b = s.worker("a").start(), s.worker("b").start()
    rig.wait_for(s.empty, "an empty queue", 40, a.proc)
    for w in (a, b):
        w.stop()
    t.check("two workers share a queue: every record once", s.once(a, b), (len(a.keys()), len(b.keys())))
    t.check("and both work", min(len(a.keys()), len(b.keys())) >= 20, (len(a.keys()), len(b.keys())))
    t.note(f"400 objects: {len(a.keys())} and {len(b.keys())} records, {len(s.sqs.log)} requests of the queue")


with t, cloud.Place() as place:
    done = subprocess.run([rig.program("lurker-analyzer"), "--check", "--sqs", "flows"], capture_output=True, text=True,
                          env=rig.environment())
    t.check("--check names a queue that is none", done.returncode == 2 and "URL of a queue" in done.stderr, done.stderr)
    for part in (wrappings, wrong_secret, poison, outages, slow, kills, two_workers):
        if len(sys.argv) < 2 or part.__name__ in sys.argv[1:]:
            part(place)
