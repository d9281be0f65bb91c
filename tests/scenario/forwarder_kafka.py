#!/usr/bin/python3
"""Records go to a Kafka topic and are read back by another implementation of the client: the same bytes, in order
per source, none lost, despite brokers that stop and return errors, kills and rejected records."""

import base64
import json
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import cloud
import kafka_lab
import rig
from forwarder import Forwarder

PARTITIONS = 4
t = rig.Report("forwarder_kafka")
rig.require(t, "cc", "openssl", programs=["lurker-forwarder"], root=False)
if subprocess.run(["/usr/bin/python3", "-c", "import kafka"], capture_output=True).returncode:
    t.skip("python3-kafka is not installed")
    sys.exit(0)


def sources(fw, count, of=40, **more):
    """Makes mixed records of many sources."""
    for _ in range(count):
        fw.add(1, src_addr=f"192.0.2.{len(fw.made) * 7 % of}", **more)
    return fw


def lines_of(fw):
    return [line for path in sorted(fw.records.glob("*.jsonl")) for line in path.read_bytes().splitlines()]


def in_order(got, want):
    """Whether each source's records arrived in the order of want, apart from repetitions."""
    def by_source(lines):
        rows = {}
        for line in dict.fromkeys(lines):
            rows.setdefault(json.loads(line)["src_addr"], []).append(line)
        return rows
    return by_source(got) == by_source(want)


def alerts(fw):
    return [json.loads(x) for path in (fw.state / "records" / "alert").glob("*.jsonl")
            for x in path.read_text().splitlines()]


class Case:
    """A topic of the cluster, its consumer, and a forwarder to it."""

    def __init__(self, name, **settings):
        cluster.do(f"topic {name} {PARTITIONS}")
        self.consumer = kafka_lab.Consumer(place, cluster, name, PARTITIONS)
        self.fw = Forwarder(place, name, **{"kafka_brokers": cluster.brokers, "kafka_topic": name, "retry_max_s": 2,
                                            "stall_s": 2, **settings})

    def values(self):
        return [value for _, _, value, _ in self.consumer.got]

    def wait_all(self, want=None, timeout=40):
        self.fw.wait(lambda: set(self.values()) >= set(want or lines_of(self.fw)), "all records in the topic", timeout)
        return self

    def offset(self):
        return self.fw.state / "forwarder" / "kafka.offset"

    def check_all(self, text, once=True):
        """Checks that the topic has all records, in order; once: without repetitions."""
        want, got = lines_of(self.fw), self.values()
        good = set(got) == set(want) and in_order(got, want) and (len(got) == len(want) or not once)
        t.check(text, good, f"{len(want)} records, {len(got)} messages, {len(set(got))} distinct\n{self.fw.proc.tail(8)}")


with t, cloud.Place() as place:
    cluster = kafka_lab.Cluster(place)

    plain = Case("plain", kafka_filter=["payload_len>0"], kafka_properties=["compression.type=gzip"])
    sources(plain.fw, 3000).add(5, b"")
    want = [line for line in lines_of(plain.fw) if json.loads(line)["payload_len"]]
    plain.fw.start()
    plain.wait_all(want)
    plain.fw.add(1, src_addr="2001:db8::1").wait(lambda: len(plain.values()) > 3000, "a later record")
    want.append(lines_of(plain.fw)[-1])
    t.check("what the filter lets through is in the topic once, as the very lines, in order of each source",
            sorted(plain.values()) == sorted(want) and in_order(plain.values(), want))
    records = {value: json.loads(value) for value in plain.values()}
    t.check("a message's key is the source, its time that of the flow's first packet",
            all(key.decode() == records[value]["src_addr"] and ms == int(records[value]["init_ts"] * 1000)
                for _, key, value, ms in plain.consumer.got))
    t.check("a source has one partition", len({(p, key) for p, key, _, _ in plain.consumer.got}) ==
            len({key for _, key, _, _ in plain.consumer.got}) and len({p for p, _, _, _ in plain.consumer.got}) > 1)
    t.check("it ends in order", plain.fw.stop() == 0, plain.fw.proc.tail())
    plain.fw.add(1).start().wait(lambda: len(plain.values()) > len(want), "a record of the time between")
    t.check("and goes on where it was", plain.values()[-1] == lines_of(plain.fw)[-1] and plain.fw.stop() == 0 and
            len(plain.values()) == len(want) + 1)

    hard = Case("hard")
    sources(hard.fw, 2000).start()
    hard.fw.wait(lambda: len(hard.values()) > 100, "first messages")
    cluster.do("rtt 100")  # so that a kill meets a batch under way
    for n in range(4):
        cluster.do("down")
        sources(hard.fw, 1000)
        time.sleep(0.3)
        cluster.do("up")
        for code in (6, 7, 19, 13, 5):  # not leader, timed out, too few replicas, network, no leader
            cluster.do(f"error {kafka_lab.PRODUCE} {code} {n + 1}")
        sources(hard.fw, 1000)
        before = len(hard.values())
        hard.fw.wait(lambda: len(hard.values()) > before, "messages after an outage", 40)
        hard.fw.proc.signal(signal.SIGKILL)
        hard.fw.proc.wait()
        hard.fw.start()
    cluster.do("rtt 0")
    hard.wait_all(timeout=60)
    t.check("it ends in order after all that", hard.fw.stop() == 0, hard.fw.proc.tail())
    hard.check_all("outages, errors and four kills: none is lost, each source's records are in order", once=False)
    t.note(f"{len(lines_of(hard.fw))} records: {len(hard.values())} messages, "
           f"{len(hard.values()) - len(set(hard.values()))} of them again")

    long = Case("long-outage")
    cluster.do("down")
    sources(long.fw, 500).start().wait(lambda: "records not delivered" in long.fw.proc.output(), "word of the outage", 30)
    t.check("an outage is said, and nothing moves", not long.offset().exists())
    begun = time.monotonic()
    code = long.fw.stop()
    t.check("SIGTERM ends it during an outage", code == 0, long.fw.proc.tail())
    t.note(f"the end took {time.monotonic() - begun:.1f} s")
    long.fw.start()
    cluster.do("up")
    long.wait_all().fw.stop()
    long.check_all("what waited is delivered when the brokers are back")

    fatal = Case("fatal")
    cluster.do(f"error {kafka_lab.INIT_PRODUCER_ID} 31 1")  # cluster authorization failed
    sources(fatal.fw, 50).start().wait(lambda: "Cluster authorization failed" in fatal.fw.proc.output(), "a refusal", 30)
    fatal.fw.wait(lambda: alerts(fatal.fw), "an alert")
    t.check("a cluster that does not let it write is a matter for a person, said in one alert",
            [a["severity"] for a in alerts(fatal.fw)] == ["critical"] and not fatal.offset().exists(), alerts(fatal.fw))
    fatal.fw.stop()
    fatal.fw.start()
    fatal.wait_all()
    cluster.do(f"error {kafka_lab.PRODUCE} 45 1")  # out of order: idempotence is over for this producer
    sources(fatal.fw, 50)
    fatal.wait_all().fw.stop()
    fatal.check_all("an error that ends a producer costs no record: the next one goes on", once=False)

    for name, code, says in (("no-topic", 3, "Unknown topic"), ("not-allowed", 29, "Topic authorization failed")):
        case = Case(name, kafka_properties=["topic.metadata.propagation.max.ms=500"])
        cluster.do(f"topicerror {name} {code}")
        sources(case.fw, 50).start().wait(lambda: alerts(case.fw), "an alert", 30)
        t.check(f"{name}: said once, with the topic's name, and kept", len(alerts(case.fw)) == 1 and
                says.lower() in alerts(case.fw)[0]["message"].lower() and name in alerts(case.fw)[0]["message"] and
                alerts(case.fw)[0]["severity"] == "critical" and not case.offset().exists(), alerts(case.fw))
        case.fw.stop()
        cluster.do(f"topicerror {name} 0")
        case.fw.start()
        case.wait_all().fw.stop()
        case.check_all(f"{name}: delivered after the repair")

    large = Case("large", kafka_max_bytes=50_000)
    sources(large.fw, 20).add(3, bytes(range(256)) * 400)
    large.fw.start().wait(lambda: len(large.values()) >= 23, "all messages")
    large.fw.stop()
    short = [json.loads(x) for x in large.values() if b'"forwarder":"shortened"' in x]
    t.check("a large record is shortened to what the topic takes", len(short) == 3 and
            all(len(x) <= 50_000 for x in large.values()) and
            all(base64.b64decode(r["payload"]) == (bytes(range(256)) * 400)[:len(r["readable"])] and
                len(r["readable"]) > 15_000 for r in short), [len(x) for x in large.values()])

    small = Case("smaller-topic")
    cluster.do(f"error {kafka_lab.PRODUCE} 10 3")  # message too large, for a batch
    sources(small.fw, 64, of=1).start()
    small.wait_all().fw.stop()
    small.check_all("a batch that is too large for the topic goes in smaller ones, in order", once=False)

    cert, key = kafka_lab.authority(place, "brokers")
    other, _ = kafka_lab.authority(place, "others")
    front = kafka_lab.Front(place, cluster, cert, key, "sensor", "s3cret")
    (place.dir / "password").write_text("s3cret\n")
    (place.dir / "wrong").write_text("guess\n")
    login = {"kafka_brokers": front.brokers, "kafka_tls": True, "kafka_sasl": "plain", "kafka_user": "sensor"}
    wrong = Case("wrong-password", **login, ca_file=str(cert), kafka_password_file=str(place.dir / "wrong"))
    sources(wrong.fw, 50).start().wait(lambda: alerts(wrong.fw), "an alert", 30)
    t.check("a wrong password is refused, said once, and nothing is lost", front.refused and len(alerts(wrong.fw)) == 1 and
            "wrong user or password" in alerts(wrong.fw)[0]["message"] and not wrong.offset().exists() and
            not wrong.values() and wrong.fw.stop() == 0, alerts(wrong.fw))
    wrong.fw.settings["kafka_password_file"] = str(place.dir / "password")
    wrong.fw.start()
    wrong.wait_all().fw.stop()
    wrong.check_all("TLS and the right password: delivered")
    refused = Case("wrong-ca", **login, ca_file=str(other), kafka_password_file=str(place.dir / "password"))
    sources(refused.fw, 50).start().wait(lambda: alerts(refused.fw), "an alert", 30)
    t.check("brokers with a certificate of others get nothing", "SSL" in alerts(refused.fw)[0]["message"] and
            not refused.values() and refused.fw.stop() == 0, alerts(refused.fw))

    for settings, says in ((["--kafka-properties", "acks=0"], "acks is set by the forwarder"),
                           (["--kafka-properties", "no.such=1"], "no.such"),
                           (["--kafka-sasl", "plain", "--kafka-user", "u", "--kafka-password-file", "/f"], "in the clear")):
        done = subprocess.run([rig.program("lurker-forwarder"), "--check", "--kafka-brokers", "h:9092", *settings],
                              capture_output=True, text=True, env=rig.environment())
        t.check(f"--check: {says}", done.returncode == 2 and says in done.stderr, done.stderr)
