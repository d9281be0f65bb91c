#!/usr/bin/python3
"""Records go to CloudWatch Logs and a webhook: at least once, in order, signed, within the service's limits,
despite faults, restarts and rejected requests. The README's query finds the stored events."""

import base64
import json
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import cloud
import logs
import rig
from forwarder import Forwarder

GROUP, KEYS = "/honeypot/test", ("init_ts", "last_ts", "src_addr", "dst_port", "payload", "readable", "s3path")
t = rig.Report("forwarder_sinks")
rig.require(t, programs=["lurker-forwarder"], root=False)
if subprocess.run(["/usr/bin/python3", "-c", "import botocore"], capture_output=True).returncode:
    t.skip("python3-botocore is not installed")
    sys.exit(0)


def stored(cw, stream="lab"):
    return cw.groups.get(GROUP, {}).get(stream, [])


def numbers(events):
    return [json.loads(m)["n"] for _, m in events]


with t, cloud.Place() as place:
    cw = logs.CloudWatch(place)
    fw = Forwarder(place, "plain", cloudwatch_group=GROUP, cloudwatch_endpoint=cw.url).add(2500).add(3, b"")
    fw.start().wait(lambda: len(stored(cw)) >= 2503, "all events")
    t.check("group and stream are made when missing",
            cw.requests[:4] == ["PutLogEvents", "CreateLogGroup", "CreateLogStream", "PutLogEvents"], cw.requests[:5])
    t.check("every record is an event, once", sorted(numbers(stored(cw))) == list(range(2503)))
    fw.add(5).wait(lambda: len(stored(cw)) >= 2508, "later records")
    t.check("what comes later follows", sorted(numbers(stored(cw))) == list(range(2508)))
    t.check("it ends in order", fw.stop() == 0, fw.proc.tail())
    fw.add(5).start().wait(lambda: len(stored(cw)) >= 2513, "records of the time between")
    fw.stop()
    t.check("after a restart it goes on where it was", sorted(numbers(stored(cw))) == list(range(2513)))
    events = [(ts, json.loads(m)) for ts, m in stored(cw)]
    t.check("an event has the seven keys and the time of its first packet",
            all(ts == int(m["init_ts"]) * 1000 and all(k in m for k in KEYS) for ts, m in events))
    rows = logs.insights(stored(cw))
    t.check("the origin's query finds them", len(rows) == 20 and all(
        r["src_addr"] == "192.0.2.1" and r["dst_port"] in (80, 81) and r["readable"].startswith("GET /") for r in rows) and
        len(logs.insights(stored(cw), 10_000)) == len(events) - 3, rows[:2])

    cw = logs.CloudWatch(place)
    fw = Forwarder(place, "wrong", env=cloud.environment(secret="WRONG"), cloudwatch_group=GROUP,
                   cloudwatch_endpoint=cw.url).add(3)
    fw.start().wait(lambda: "InvalidSignatureException" in fw.proc.output(), "a refusal")
    fw.stop()
    alerts = list((fw.state / "records" / "alert").glob("*.jsonl"))
    t.check("a wrong secret is refused, said, and nothing is lost", not cw.groups and alerts and
            not (fw.state / "forwarder" / "cloudwatch.offset").exists())
    fw.env = cloud.environment()
    fw.start().wait(lambda: len(stored(cw)) >= 3, "records after the repair")
    fw.stop()
    t.check("with the right one they all come", sorted(numbers(stored(cw))) == [0, 1, 2])

    cw = logs.CloudWatch(place)
    fw = Forwarder(place, "limits", cloudwatch_group=GROUP, cloudwatch_endpoint=cw.url)
    fw.add(12, b"x" * 150_000).add(2, bytes(range(256)) * 4000).add(2, when=time.time() - 15 * 86400)
    fw.add(2, when=int(time.time()) - 3 * 86400).add(2)
    fw.start().wait(lambda: len(stored(cw)) >= 18, "all that can be stored")
    fw.stop()
    t.check("batches obey the service's limits", not [e for e in cw.errors if e != "ResourceNotFoundException"], cw.errors)
    t.check("records older than 14 days are left out, no others",
            sorted(numbers(stored(cw))) == [n for n in range(20) if n not in (14, 15)])
    short = {m["n"]: m for m in (json.loads(m) for _, m in stored(cw)) if "forwarder" in m}
    good = all(base64.b64decode(m["payload"]) == base64.b64decode(fw.made[n]["payload"])[:len(m["readable"])]
               and len(m["readable"]) > 90_000 for n, m in short.items())
    t.check("large records are shortened to the same bytes in payload and readable", len(short) == 14 and good,
            [len(m["readable"]) for m in short.values()])

    cw = logs.CloudWatch(place, fault=lambda n: {0: 503, 1: 400, 6: "lost", 8: 500}.get(n))
    fw = Forwarder(place, "faults", cloudwatch_group=GROUP, cloudwatch_endpoint=cw.url).add(30_000)
    fw.start().wait(lambda: len(stored(cw)) >= 5_000, "a part of the events")
    fw.proc.signal(signal.SIGKILL)
    fw.proc.wait()
    fw.start().wait(lambda: set(numbers(stored(cw))) == set(range(30_000)), "all events")
    fw.stop()
    got = stored(cw)
    t.check("through 503, throttling, a lost answer and a kill, every record comes", True)
    t.check("what came twice is the same", len(set(got)) == 30_000, f"{len(got)} events, {len(set(got))} distinct")
    t.note(f"30,000 records: {len(got)} events stored, {len(got) - 30_000} of them twice")

    (place.dir / "token").write_text("s3cret\n")
    hook = logs.Webhook(place, "s3cret", fault=lambda n: {0: (503, {}), 1: (429, {"Retry-After": "2"})}.get(n))
    fw = Forwarder(place, "webhook", webhook_url=hook.url + "/in", webhook_token_file=str(place.dir / "token"),
                   webhook_filter=["dst_port=80", "payload_len>0"]).add(100).add(4, b"")
    begun = time.monotonic()
    fw.start().wait(lambda: len(hook.lines) >= 50, "posted records")
    fw.stop()
    t.check("a webhook gets what its filter lets through, in order, as the very lines",
            [json.loads(x) for x in hook.lines] == [r for r in fw.made if r["dst_port"] == 80 and r["payload_len"]])
    t.check("Retry-After is honoured", hook.count == 3 and time.monotonic() - begun >= 2, hook.count)
    refusing = logs.Webhook(place, "other")
    fw = Forwarder(place, "webhook-wrong", webhook_url=refusing.url, webhook_token_file=str(place.dir / "token")).add(2)
    fw.start().wait(lambda: "status 401" in fw.proc.output(), "a refusal")
    t.check("a webhook that refuses the token gets nothing, and nothing is lost", fw.stop() == 0 and not refusing.lines and
            not (fw.state / "forwarder" / "webhook.offset").exists())

    slack = logs.Webhook(place, fault=lambda n: (429, {"Retry-After": "1"}) if n == 0 else None)
    fw = Forwarder(place, "slack", slack_url=slack.url, slack_every_s=2).add(300).add(3, b"")
    fw.start().wait(lambda: slack.lines, "a first message")
    fw.add(2, b"`late` <!here>").wait(lambda: len(slack.lines) == 2, "a second message")
    fw.stop()
    texts = [json.loads(x)["text"] for x in slack.lines]
    t.check("Slack gets the first records in full and the others in numbers", texts[0].count("```GET / HTTP/1.1") == 5 and
            "and 295 more: port 81 (148), port 80 (147)" in texts[0], texts[0])
    t.check("nothing an attacker sent is Slack's markup", "```'late' &lt;!here&gt;```" in texts[1], texts[1])

    done = subprocess.run([rig.program("lurker-forwarder"), "--check", "--webhook-url", "http://h", "--webhook-filter",
                           "payload_len>many"], capture_output=True, text=True, env=rig.environment())
    t.check("--check names a filter that is none", done.returncode == 2 and "payload_len>many" in done.stderr, done.stderr)
