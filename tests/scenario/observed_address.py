#!/usr/bin/python3
"""A sensor changes its public address. Records and objects name the address that was valid at the time of the
flow, and so do the records of a worker elsewhere."""

import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import captures
import cloud
import queues
import rig
from worker import Worker

BEGIN, HOST = 1700000000, "198.51.100.2"  # of the packets in captures.py
FIRST, SECOND = "203.0.113.1", "203.0.113.2"
# The start of each flow, relative to BEGIN, and the address at that time. In second 150, either is right.
FLOWS = {-200: None, -50: FIRST, 149: FIRST, 150: None, 151: SECOND, 4000: SECOND}

t = rig.Report("observed_address")
rig.require(t, programs=["lurker-analyzer", "lurker-uploader"], root=False)
if subprocess.run(["/usr/bin/python3", "-c", "import botocore"], capture_output=True).returncode:
    t.skip("python3-botocore is not installed")
    sys.exit(0)


class Bucket(queues.Bucket):
    """A bucket that also accepts objects, with their metadata."""

    def answer(self, handler, body):
        if handler.command != "PUT":
            return super().answer(handler, body)
        if queues.verify(handler, body, queues.KEYS):
            return self.error(403, "SignatureDoesNotMatch")
        said = {k.lower(): v for k, v in handler.headers.items() if k.lower().startswith("x-amz-meta-")}
        self.objects[handler.path.split("/", 2)[2]] = (body, said)
        return 200, "", {}


def key_of(begin, host=HOST):
    return f"pcap/2023/11/14/22/{begin}_192.0.2.1_{host}_{begin % 1000 + 1000}_80.pcap"


def expected(records):
    got = {int(float(r["init_ts"])) - BEGIN: r.get("observed_addr") for r in records}
    return got == FLOWS, got


with t, cloud.Place() as place:
    bucket = Bucket(place)
    # The stand-in's handler supports only GET and POST.
    bucket.server.RequestHandlerClass.do_PUT = bucket.server.RequestHandlerClass.do_POST
    up = cloud.Uploader(place, "sensor", s3_endpoint=bucket.url, s3_prefix="")
    (up.state / "observed").write_text(f"{(BEGIN - 100) * 10**9} {HOST} {FIRST}\n{(BEGIN + 150) * 10**9 + 1} {HOST} {SECOND}\n")
    for queue in ("uploader", "analyzer"):
        for second in FLOWS:
            path = up.state / "spool" / "queue" / queue / key_of(BEGIN + second)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(captures.flow(1000 + (BEGIN + second) % 1000, BEGIN + second))
    up.start().wait_empty()
    t.check("the uploader ends in order", up.stop() == 0, up.proc.tail())
    said = {k: v[1].get("x-amz-meta-observed") for k, v in bucket.objects.items()}
    t.check("each object says where the sensor was seen then", said ==
            {key_of(BEGIN + s): a and f"{HOST}={a}" for s, a in FLOWS.items()}, said)

    here = rig.Proc([rig.program("lurker-analyzer"), "-c", up.config], "analyzer", place.dir / "analyzer.log", env=up.env)
    place.ends.append(lambda: here.poll() is None and here.kill())
    rig.wait_for(lambda: len(Worker.records(up)) >= len(FLOWS), "records", 20, here)
    t.check("each record of the sensor's own says it", *expected(Worker.records(up)))
    t.check("its analyzer ends in order", here.stop() == 0, here.tail())

    # An object with other metadata.
    bucket.objects["wrong.pcap"] = (captures.flow(1, BEGIN + 9000), {"x-amz-meta-observed": f"{HOST}=<script>"})
    sqs = queues.Sqs(place)
    sqs.send(queues.event(*[k for k in bucket.objects if k != "wrong.pcap"]), queues.event("wrong.pcap"))
    w = Worker(place, "worker", sqs.queue, bucket.url).start().wait(lambda: not sqs.waiting(), "an empty queue")
    t.check("the worker ends in order", w.stop() == 0, w.log())
    records = w.records()
    t.check("each record of a worker elsewhere says it", *expected([r for r in records if "wrong" not in r["s3path"]]))
    t.check("what is no address is not believed",
            [r.get("observed_addr") for r in records if "wrong" in r["s3path"]] == [None], records)
