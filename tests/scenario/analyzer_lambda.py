#!/usr/bin/python3
"""lurker-analyzer --lambda from the deployed zip, on a file system that is read-only except for /tmp: events
from SQS, SNS and S3, partial responses, faults of S3, the function's timeout, standard output and CloudWatch
Logs."""

import collections
import json
import pathlib
import shutil
import subprocess
import sys
import time
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import cloud
import logs
import queues
import rig
import runtime_api
from captures import flow, packet, pcap

HOUR, GROUP = "pcap/2026/11/21/10", "/honeypot/test"
SEVEN = ("init_ts", "last_ts", "src_addr", "dst_port", "payload", "readable", "s3path")
t = rig.Report("analyzer_lambda")
rig.require(t, "unshare", "setpriv", programs=["lurker-analyzer"])
if subprocess.run(["/usr/bin/python3", "-c", "import botocore"], capture_output=True).returncode:
    t.skip("python3-botocore is not installed")
    sys.exit(0)


class Function:
    """Runs the unpacked zip as Lambda does: not as root, and with nothing writable except its own /tmp."""

    def __init__(self, place, name, task, bucket, **env):
        self.api = runtime_api.Runtime(place)
        self.dir, self.bucket = place.dir / name, bucket
        self.dir.mkdir()
        self.out = self.dir / "stdout"
        # Standard output is opened before the mounts, so that it stays writable.
        inside = ('set -e; mount --make-rprivate /; mount -t tmpfs -o size=64m none /tmp; '
                  'mount -o remount,bind,ro /; exec setpriv --reuid 65534 --regid 65534 '
                  '--clear-groups "$0"/bootstrap')
        script = 'exec unshare --mount sh -c "$2" "$1" >"$0"'
        self.env = cloud.environment(AWS_LAMBDA_RUNTIME_API=self.api.address, LAMBDA_TASK_ROOT=str(task), TZ=":UTC",
                                     LURKER_ANALYZER_S3_ENDPOINT=bucket.url, PATH="/usr/bin:/bin:/usr/sbin",
                                     **env)
        self.proc = rig.Proc(["sh", "-c", script, self.out, task, inside], name, self.dir / "log", env=self.env)
        place.ends.append(lambda: self.proc.poll() is None and self.proc.kill())
        rig.wait_for(lambda: self.api.asked, "the function's first request", 20, self.proc)

    def records(self):
        return [json.loads(x) for x in self.out.read_text().splitlines()]

    def keys(self):
        return collections.Counter(r["s3path"].split("/", 3)[3] for r in self.records())


def key(n):
    return f"{HOUR}/{1700000000 + n}_l.pcap"


with t, cloud.Place() as place:
    # In /var, because the function's own /tmp covers /tmp.
    base = pathlib.Path("/var/tmp") / place.dir.name
    place.ends.append(lambda: shutil.rmtree(base, ignore_errors=True))
    task = base / "task"
    made = subprocess.run([rig.ROOT / "deploy" / "aws" / "lambda-zip", place.dir / "f.zip",
                           rig.program("lurker-analyzer")], capture_output=True, text=True)
    t.check("lambda-zip makes a zip", made.returncode == 0 and (place.dir / "f.zip").exists(), made.stderr)
    t.note(made.stdout.strip())
    first = (place.dir / "f.zip").read_bytes()
    subprocess.run([rig.ROOT / "deploy" / "aws" / "lambda-zip", place.dir / "f.zip", rig.program("lurker-analyzer")],
                   capture_output=True, check=True)
    t.check("the same files give the same zip", (place.dir / "f.zip").read_bytes() == first)
    with zipfile.ZipFile(place.dir / "f.zip") as z:
        for info in z.infolist():
            z.extract(info, task)
            (task / info.filename).chmod(info.external_attr >> 16 & 0o777)

    bucket = queues.Bucket(place)
    for n in range(60):
        bucket.put(key(n), flow(1000 + n), "lab")
    f = Function(place, "stdout", task, bucket)
    maps = pathlib.Path(f"/proc/{f.proc.pid}/maps").read_text()
    loaded = {x.split()[-1] for x in maps.splitlines() if ".so" in x}
    t.check("all of its libraries are those of the zip", loaded and all(x.startswith(str(task)) for x in loaded), loaded)

    told = f.api.invoke(runtime_api.of_sns(queues.event(key(0)), queues.event(key(1), key(2))))
    t.check("an event of SNS", told == ("response", {}) and f.keys() == collections.Counter(map(key, range(3))),
            (told, f.keys(), f.proc.tail()))
    told = f.api.invoke(json.loads(queues.event(key(3))))
    t.check("an event of S3 itself", told == ("response", {}) and f.keys()[key(3)] == 1, told)
    told = f.api.invoke(runtime_api.of_sqs(queues.event(key(4)), queues.notification(queues.event(key(5))),
                                           queues.TEST_EVENT))
    t.check("an event of SQS, direct and through SNS", told == ("response", {"batchItemFailures": []}) and
            f.keys()[key(4)] == f.keys()[key(5)] == 1, told)
    record = next(r for r in f.records() if r["s3path"].endswith(key(0)))
    archive = place.dir / "archive" / key(0)
    archive.parent.mkdir(parents=True)
    archive.write_bytes(flow(1000))
    same = json.loads(subprocess.run([rig.program("lurker-analyzer"), "--sensor", "lab", "--destination",
                                      f"s3://{cloud.BUCKET}/", archive], stdout=subprocess.PIPE, check=True,
                                     env=rig.environment()).stdout)
    record.pop("first_seen", None), same.pop("first_seen", None)
    t.check("the record is that of the sensor, with the seven keys", record == same and all(k in record for k in SEVEN),
            (record, same))

    bucket.put(f"{HOUR}/broken.pcap", b"this is no capture")
    told = f.api.invoke(runtime_api.of_sqs(queues.event(key(6)), "nonsense", queues.event(f"{HOUR}/missing.pcap", key(7)),
                                           queues.event(f"{HOUR}/broken.pcap"), queues.event(key(8))))
    t.check("of a batch the messages that failed are named, the others done", told[0] == "response" and
            [x["itemIdentifier"] for x in told[1]["batchItemFailures"]] == ["m1", "m2", "m3"] and
            all(f.keys()[key(n)] == 1 for n in (6, 7, 8)), (told, f.keys()))
    log = f.proc.output()
    t.check("and each reason is in the log, with id and receive count", all(
        f"id={m} receives=1" in log for m in ("m1", "m2", "m3")) and "NoSuchKey" in log and "no JSON object" in log, log)
    told = f.api.invoke(runtime_api.of_sqs(queues.event(key(6)), queues.event(f"{HOUR}/missing.pcap", key(7))))
    t.check("what comes again gives no second record", f.keys()[key(6)] == f.keys()[key(7)] == 1 and
            len(told[1]["batchItemFailures"]) == 1, (told, f.keys()))
    for name, event in (("no event", {"x": 1}), ("no JSON", "{"), ("a missing object by SNS", runtime_api.of_sns(
            queues.event(f"{HOUR}/missing.pcap")))):
        told = f.api.invoke(event)
        t.check(f"{name} is an error", told[0] == "error" and told[1]["errorType"] == "Lurker.Event" and
                told[1]["errorMessage"], told)

    bucket.fault = lambda n, k: 503 if n % 3 else None
    told = f.api.invoke(runtime_api.of_sqs(*(queues.event(key(n)) for n in range(10, 30))))
    t.check("through 503s every record comes", told == ("response", {"batchItemFailures": []}) and
            all(f.keys()[key(n)] == 1 for n in range(10, 30)), told)
    bucket.fault = lambda n, k: 503 if k == key(31) else "slow" if k == key(32) else None
    bucket.delay = 8
    told = f.api.invoke(runtime_api.of_sqs(*(queues.event(key(n)) for n in range(30, 40))), seconds=5)
    t.check("what is not done in the function's time fails, the rest is done", told[0] == "response" and sorted(
        x["itemIdentifier"] for x in told[1]["batchItemFailures"]) == ["m1", "m2"] and all(
            f.keys()[key(n)] == 1 for n in (30, *range(33, 40))), (told, f.keys(), f.proc.tail()))
    bucket.fault = lambda n, k: None
    told = f.api.invoke(runtime_api.of_sqs(queues.event(key(31)), queues.event(key(32))))
    t.check("and is done when it comes again, once", told == ("response", {"batchItemFailures": []}) and
            f.keys()[key(31)] == f.keys()[key(32)] == 1, (told, f.proc.tail()))

    data = bytes(range(32, 127)) * 11
    packets = [packet(9000, 1, 2)] + [packet(9000, 2 + i * len(data), 24, data) for i in range(400)]
    bucket.put(key(50), pcap(packets), "lab")
    f.api.invoke(runtime_api.of_sqs(queues.event(key(50))))
    large = [x for x in f.out.read_text().splitlines() if "_l.pcap" in x and len(x) > 10_000]
    t.check("a record larger than a log event is cut to one, and says so", len(large) == 1 and
            250_000 < len(large[0].encode()) <= 262_144 - 26 and json.loads(large[0])["forwarder"] == "shortened",
            [len(x) for x in large])
    t.check("it ends in order", f.proc.stop() == 0, f.proc.tail())

    f = Function(place, "wrong-secret", task, bucket, AWS_SECRET_ACCESS_KEY="WRONG")
    told = f.api.invoke(runtime_api.of_sqs(queues.event(key(0))))
    t.check("a wrong secret is refused: the message fails and stays", told == (
        "response", {"batchItemFailures": [{"itemIdentifier": "m0"}]}) and not f.records() and
        "SignatureDoesNotMatch" in f.proc.output(), (told, f.proc.tail()))
    f.proc.stop()

    cw = logs.CloudWatch(place, fault=lambda n: {0: 503, 5: 400}.get(n))
    f = Function(place, "logs", task, bucket, LURKER_ANALYZER_LOG_GROUP=GROUP, LURKER_ANALYZER_LOG_ENDPOINT=cw.url,
                 AWS_LAMBDA_LOG_STREAM_NAME="2026/01/02/[1]abc")
    recent = int(time.time()) - 1000
    for n in range(40):
        bucket.put(key(n), flow(2000 + n, recent + n), "lab")
    told = f.api.invoke(runtime_api.of_sqs(*(queues.event(key(n)) for n in range(40))))
    events = cw.groups.get(GROUP, {}).get("2026/01/02/[1]abc", [])
    t.check("with a log group records are its events, with the flows' times", told == (
        "response", {"batchItemFailures": []}) and len(events) == 40 and not f.records() and all(
            ts == int(json.loads(m)["init_ts"]) * 1000 for ts, m in events), (told, len(events), f.proc.tail()))
    cw.fault = lambda n: 503
    for n in range(40, 45):
        bucket.put(key(n), flow(2000 + n, recent + n), "lab")
    told = f.api.invoke(runtime_api.of_sqs(*(queues.event(key(n)) for n in range(40, 45))), seconds=5)
    t.check("while the log group is away the messages fail", len(told[1]["batchItemFailures"]) == 5, (told, f.proc.tail()))
    cw.fault = lambda n: None
    told = f.api.invoke(runtime_api.of_sqs(*(queues.event(key(n)) for n in range(40, 45))))
    got = collections.Counter(json.loads(m)["s3path"] for _, m in cw.groups[GROUP]["2026/01/02/[1]abc"])
    t.check("and their records come when they come again", told[1] == {"batchItemFailures": []} and len(got) == 45,
            (told, len(got), f.proc.tail()))
    f.proc.stop()

    done = subprocess.run([rig.program("lurker-analyzer"), "--lambda"], capture_output=True, text=True, env=rig.environment())
    t.check("outside of Lambda it says so", done.returncode == 2 and "AWS_LAMBDA_RUNTIME_API" in done.stderr, done.stderr)
