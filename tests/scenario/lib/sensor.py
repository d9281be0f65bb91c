"""A whole sensor in a Lab: `lurker up` with a generated configuration, its records, its bus, its processes."""

import json
import threading

import measure
import records
import rig

SERVICES = rig.services.SENSOR


def yaml(settings, indent=0):
    """Settings (dicts, lists, scalars) as YAML; JSON's scalars and strings are YAML's too."""
    out = ""
    for key, value in settings.items():
        if isinstance(value, dict):
            out += " " * indent + f"{key}:\n" + yaml(value, indent + 2)
        else:
            out += " " * indent + f"{key}: {json.dumps(value)}\n"
    return out


class Sensor:
    """settings override the generated ones, section by section."""

    def __init__(self, lab, settings=None, name="lab"):
        self.lab, self.up, self.bus = lab, None, None
        self.config = lab.dir / "lurker.yml"
        self.settings = {"sensor": name, "state_dir": str(lab.state), "run_dir": str(lab.run_dir), "user": rig.ACCOUNT,
                         "capture": {"interface": lab.sensor.dev},
                         "responder": {"interface": lab.sensor.dev,
                                       "networks": [str(lab.prefix), str(lab.prefix6), lab.sensor_addr]},
                         "flowagg": {"idle_timeout_s": 5}}
        for key, value in (settings or {}).items():
            if isinstance(value, dict):
                self.settings.setdefault(key, {}).update(value)
            else:
                self.settings[key] = value
        self.config.write_text(yaml(self.settings))

    def start(self, timeout=20, under=(), program=None):
        """Starts all services and returns once each has published its counters. under: a command to start it with;
        program: another `lurker`, with its services next to it."""
        self.up = self.lab.sensor.start([*under, program or rig.program("lurker"), "up", "-c", self.config], name="up")
        self.bus = Bus(self.lab.run_dir)
        rig.wait_for(lambda: all(self.bus.stat(s) for s in SERVICES), "counters of every service", timeout, self.up)
        return self

    def stop(self, timeout=30):
        """Stops the sensor as an operator would; returns its exit code."""
        code = self.up.stop(timeout)
        self.bus.close()
        return code

    def pids(self):
        """{service: pid} of the services that `lurker up` runs."""
        found = {}
        for pid in measure.children(self.up.pid):
            try:
                name = measure.program_name(pid)
            except OSError:
                continue
            if name.startswith("lurker-"):
                found[name.removeprefix("lurker-")] = pid
        return found

    def records(self, topic="analysis"):
        return records.read(self.lab.state, topic)

    def wait_record(self, wanted, what, timeout=30):
        """Waits for the first record for which wanted(record) is true."""
        return rig.wait_for(lambda: next((r for r in self.records() if wanted(r)), None), f"record of {what}",
                            timeout, self.up)

    def stored(self, record):
        """The path of the capture file that a record points to."""
        key = record["s3path"][record["s3path"].index("pcap/"):]
        return next((p for p in records.walk(self.lab.state) if str(p).endswith(key)), None)


class Bus:
    """Listens to all services of a run directory in a thread; keeps the latest counters and, on request, messages."""

    def __init__(self, run_dir, keep=()):
        import msgpack
        import zmq
        self._zmq, self._unpack = zmq, msgpack.unpackb
        self.last, self.kept, self.epochs, self.clocks = {}, {topic: [] for topic in keep}, {}, {}
        self.running = True
        self.socket = zmq.Context.instance().socket(zmq.SUB)
        self.socket.setsockopt(zmq.RCVHWM, 100_000)
        self.socket.setsockopt(zmq.RCVTIMEO, 100)
        for service in rig.services.ALL:
            self.socket.connect(f"ipc://{run_dir}/{service}.sock")
        for topic in ("stat", *keep):
            self.socket.subscribe(topic)
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self):
        while self.running:
            try:
                topic, envelope, body = self.socket.recv_multipart()
            except self._zmq.Again:
                continue
            envelope, body = self._unpack(envelope), self._unpack(body)
            producer = envelope["producer"]
            self.epochs.setdefault(producer, set()).add(envelope["epoch"])
            self.clocks[producer] = envelope["ts"] / 1e9
            if topic == b"stat":
                self.last[producer] = body
            if topic.decode() in self.kept:
                self.kept[topic.decode()].append(body)
        self.socket.close(0)

    def stat(self, service):
        """The last counters, gauges and drops of a service in one dict, or None."""
        body = self.last.get(service)
        return body and {**body.get("counters", {}), **body.get("gauges", {}), **body.get("drops", {})}

    def starts(self, service):
        """The number of starts of a service that were seen."""
        return len(self.epochs.get(service, ()))

    def clock(self, service):
        """The service's clock when it last published, in seconds."""
        return self.clocks.get(service, 0)

    def close(self):
        self.running = False
        self.thread.join()
