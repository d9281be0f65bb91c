#!/usr/bin/python3
"""The pipeline of the original lurker, end to end: an attack on a sensor → a flow → an object in S3 (a gateway
that verifies signatures) → SNS → SQS → a worker → records → CloudWatch Logs, where the origin's query finds
it. The worker's record equals the one from the sensor's own analyzer."""

import collections
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import cloud
import logs
import queues
import rig
import sensor as sensors
from worker import Worker

GROUP, PREFIX = "/honeypot/test", "sensors/one"
OUTSIDE, INSIDE = "192.168.77.1", "192.168.77.2"
SEVEN = ("init_ts", "last_ts", "src_addr", "dst_port", "payload", "readable", "s3path")
HISTORY = ("first_seen", "two_phase")  # depend on what else an analyzer saw
t = rig.Report("origin_pipeline")
cloud.enter(t)
rig.require(t, "curl", "nft", programs=["lurker", "lurker-forwarder", *(f"lurker-{s}" for s in sensors.SERVICES)])
if subprocess.run(["/usr/bin/python3", "-c", "import botocore"], capture_output=True).returncode:
    t.skip("python3-botocore is not installed")
    sys.exit(0)


def join(lab):
    """Connects the sensor to the cloud, apart from the attacked interface."""
    lab.sensor.ip("link", "add", "c0", "type", "veth", "peer", "name", "cloud0", "netns", "1")
    subprocess.run(["ip", "address", "add", f"{OUTSIDE}/24", "dev", "cloud0"], check=True)
    subprocess.run(["ip", "link", "set", "cloud0", "up"], check=True)
    lab.sensor.ip("address", "add", f"{INSIDE}/24", "dev", "c0")
    lab.sensor.ip("link", "set", "c0", "up")


def forwarder(place, worker, cw):
    config = place.dir / "forwarder.yml"
    config.write_text(sensors.yaml({"sensor": "worker", "state_dir": str(worker.state), "user": "",
                                    "run_dir": str(worker.run_dir), "forwarder": {
                                        "linger_s": 1, "cloudwatch_group": GROUP, "cloudwatch_endpoint": cw.url}}))
    proc = rig.Proc([rig.program("lurker-forwarder"), "-c", config], "forwarder", place.dir / "forwarder.log",
                    env=cloud.environment())
    place.ends.append(lambda: proc.poll() is None and proc.kill())
    return proc


with t, cloud.Place() as place, rig.Lab() as lab:
    rgw = cloud.Radosgw(place)
    sqs = queues.Sqs(place, most=3)
    topic, cw = queues.Topic(place, sqs), logs.CloudWatch(place)
    join(lab)
    cloud.relay(place, OUTSIDE, 17480, ("127.0.0.1", 17480))
    cloud.relay(place, OUTSIDE, 17490, ("127.0.0.1", int(topic.url.rpartition(":")[2])))
    secret = lab.dir / "secret"
    secret.write_text(cloud.SECRET)
    sensor = sensors.Sensor(lab, {
        "flowagg": {"idle_timeout_s": 2},
        "analyzer": {"destination": f"s3://{cloud.BUCKET}/{PREFIX}/"},
        "uploader": {"store": "s3", "s3_bucket": cloud.BUCKET, "s3_prefix": PREFIX, "s3_endpoint": f"http://{OUTSIDE}:17480",
                     "access_key_id": cloud.KEY, "secret_file": str(secret), "sns_topic": topic.arn,
                     "sns_endpoint": f"http://{OUTSIDE}:17490"}}, name="sensor-one").start()
    worker = Worker(place, "worker", sqs.queue, cloud.HTTP).start()
    forward = forwarder(place, worker, cw)

    body = bytes(i % 251 + 1 for i in range(20_000))
    upload = lab.dir / "body"
    upload.write_bytes(body)
    for argv in (["-A", "origin/1.0", f"http://{lab.host(10)}/cgi-bin/luci?cmd=id"],
                 ["--data-binary", f"@{upload}", f"http://{lab.host(11)}:8080/upload"],
                 [f"telnet://{lab.host(12)}:23"], ["-g", f"http://[{lab.host6(0x17)}]:81/six"]):
        lab.attacker.run(["curl", "-s", "-m", "3", *argv], check=False)

    def events():
        return [(ts, json.loads(m)) for stream in cw.groups.get(GROUP, {}).values() for ts, m in stream]

    sensor.wait_record(lambda r: r["readable"].startswith("GET /six"), "the last attack")
    live = {r["flow_id"]: r for r in sensor.records()}
    rig.wait_for(lambda: {r["flow_id"] for _, r in events()} >= set(live), "the same flows in CloudWatch Logs", 40,
                 worker.proc)
    rig.wait_for(lambda: sqs.waiting() == 0, "an empty queue", 20, worker.proc)
    live = {r["flow_id"]: r for r in sensor.records()}
    stored, raw = events(), [e for stream in cw.groups[GROUP].values() for e in stream]

    t.check("SNS took the sensor's signatures, SQS the worker's, each message was received once and is deleted",
            not topic.refused and not sqs.refused and sqs.receives() == 1 and not sqs.dead, (topic.refused, sqs.refused))
    t.check("an event has the seven keys and the time of its first packet", stored and all(
        all(k in r for k in SEVEN) and ts == int(r["init_ts"]) * 1000 for ts, r in stored))
    rows = logs.insights(raw)
    attack = [r for r in rows if "luci?cmd=id" in r["readable"]]
    t.check("the origin's query finds the attack: who, which port, what", len(attack) == 1 and
            attack[0]["src_addr"] == lab.attacker_addr and attack[0]["dst_port"] == 80 and
            attack[0]["len"] == len(attack[0]["readable"]) > 0 and "User-Agent: origin/1.0" in attack[0]["readable"], rows)
    t.check("newest first, and nothing without a payload", [r["@timestamp"] for r in rows] == sorted(
        (r["@timestamp"] for r in rows), reverse=True) and len(rows) == sum(r["payload_len"] > 0 for _, r in stored), rows)
    posted = [r for r in rows if r["dst_port"] == 8080]
    t.check("a POST of 20,000 bytes is there whole", len(posted) == 1 and posted[0]["len"] > 20_000, posted and posted[0]["len"])

    def comparable(record):
        return {k: v for k, v in record.items() if k not in HISTORY}

    got = {r["flow_id"]: r for r in worker.records()}
    differ = [(live[i], got.get(i)) for i in live if comparable(live[i]) != comparable(got.get(i, {}))]
    t.check(f"the worker's {len(got)} records are those of the sensor's own analyzer", live and not differ, differ[:1])
    count = collections.Counter(r["flow_id"] for r in worker.records())
    t.check("each once", max(count.values()) == 1, count.most_common(2))
    objects = rgw.fetch(PREFIX)
    paths = {r["s3path"] for _, r in stored}
    t.check("s3path is the object that has the packets", objects and all(
        p.removeprefix(f"s3://{cloud.BUCKET}/{PREFIX}/") in objects for p in paths), (sorted(paths)[:3], sorted(objects)[:3]))
    t.check("all end in order", (worker.stop(), forward.stop(), sensor.stop()) == (0, 0, 0), worker.proc.tail())
