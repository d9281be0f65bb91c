#!/usr/bin/python3
"""lurker-logptn: log templates of records as they are written, across a restart, and of log lines from the bus."""

import base64
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import rig

t = rig.Report("logptn_service")
rig.require(t, programs=["lurker-logptn", "lurker"], root=False)


def record(port, app, payload, **more):
    return json.dumps({"init_ts": time.time(), "last_ts": time.time(), "src_addr": "198.51.100.2", "dst_port": port,
                       "payload": base64.b64encode(payload.encode()).decode(), "app": app, **more}) + "\n"


class Service:
    def __init__(self, place):
        self.place = place
        self.p = subprocess.Popen([rig.program("lurker-logptn"), "--state-dir", place, "--run-dir", place / "run", "--user", "",
                                   "--save-interval-s", "1"], stderr=subprocess.PIPE, env=rig.environment())

    def formats(self):
        out = []
        for f in sorted((self.place / "records" / "format").glob("*.jsonl")):
            out += [json.loads(l) for l in f.read_text().splitlines()]
        return out

    def end(self):
        self.p.send_signal(signal.SIGTERM)
        return self.p.wait(15)


def has(service, template):
    return [f for f in service.formats() if f["template"] == template]


with t, tempfile.TemporaryDirectory() as tmp:
    place = pathlib.Path(tmp)
    records = place / "records" / "analysis"
    records.mkdir(parents=True)
    (place / "run").mkdir()
    day = records / time.strftime("%Y-%m-%d.jsonl", time.gmtime())
    day.write_text(record(80, "http", "GET /admin/1 HTTP/1.1\r\nHost: a\r\n\r\n", http={"user_agent": "zgrab/0.x"})
                   + record(8080, "http", "GET /admin/2 HTTP/1.1\r\nHost: a\r\n\r\n") + "torn\n")
    s = Service(place)
    tail = subprocess.Popen([rig.program("lurker"), "tail", "format", "--run-dir", place / "run"], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True, env=rig.environment())
    rig.wait_for(lambda: has(s, "GET * *"), "formats of what was there")
    first = has(s, "GET * *")[0]
    t.check("fields", first["app"] == "http" and first["count"] == 2 and first["new"] and first["ports"] == {"80": 1, "8080": 1}
            and first["examples"] and first["regex"].startswith("^"), first)
    t.check("the user agent", any(f["app"] == "http-user-agent" for f in s.formats()), s.formats())
    time.sleep(1)  # for the subscription of `lurker tail`
    with open(day, "a") as f:
        f.write(record(6379, "redis", "INFO server\r\n"))
    start = time.monotonic()
    rig.wait_for(lambda: has(s, "INFO server"), "a new format")
    took = time.monotonic() - start
    t.check("a new format within a second", took < 1, took)
    line = rig.wait_for(lambda: next((l for l in iter(tail.stdout.readline, "") if "INFO server" in l), None), "lurker tail format")
    t.check("lurker tail format shows it", "redis" in line, line)
    tail.terminate()
    tail.wait(10)
    time.sleep(1.3)
    s.p.kill()
    s.p.wait()
    with open(day, "a") as f:
        f.write(record(6379, "redis", "PING\r\n") + record(6379, "redis", "INFO server\r\n"))
    s = Service(place)
    rig.wait_for(lambda: has(s, "PING"), "what came while it was away")
    t.check("known formats are not new after a restart", len(has(s, "INFO server")) == 1, has(s, "INFO server"))
    t.check("ends well", s.end() == 0)
    t.check("the state is there", (place / "logptn.state").stat().st_size > 100)
    before = len(s.formats())
    s = Service(place)
    time.sleep(1)
    t.check("nothing is told twice", s.end() == 0 and len(s.formats()) == before, s.formats())
    (place / "logptn.state").write_bytes(b"damaged")
    s = Service(place)
    t.check("a damaged state is refused with a reason", s.p.wait(10) == 1 and b"move it away" in s.p.stderr.read())

    try:
        import msgpack
        import zmq
    except ImportError:
        t.note("python3-zmq and python3-msgpack are missing: topic log is not tried")
    else:
        pub = zmq.Context.instance().socket(zmq.PUB)
        endpoint = f"ipc://{place}/run/app.sock"
        pub.bind(endpoint)
        log = subprocess.Popen([rig.program("lurker-logptn"), "--state-dir", place, "--run-dir", place / "run", "--user", "",
                                "--topic", "log", "--from", endpoint], stderr=subprocess.DEVNULL, env=rig.environment())
        s = Service.__new__(Service)
        s.place = place
        seq = iter(range(10 ** 6))

        def send():
            envelope = {"v": 1, "sensor": "s", "producer": "app", "epoch": 5, "seq": next(seq), "ts": time.time_ns()}
            pub.send_multipart([b"log", msgpack.packb(envelope), b"pump 3 started\npump 4 started\n"])
            return has(s, "pump * started")

        rig.wait_for(send, "formats of log lines from the bus")
        t.check("log lines from the bus", has(s, "pump * started")[0]["app"] == "log", s.formats())
        log.send_signal(signal.SIGTERM)
        t.check("it ends well too", log.wait(15) == 0)
