"""lurker-forwarder with records that a test writes."""

import base64
import json
import time

import cloud
import rig
import sensor


def printable(byte):
    return chr(byte) if 32 <= byte < 127 or 9 <= byte < 14 else "."


class Forwarder:
    """The process. made: the records in its files so far, in order."""

    def __init__(self, place, name, env=None, **settings):
        self.dir = place.dir / name
        self.name, self.state, self.run_dir = name, self.dir / "state", self.dir / "run"
        self.records = self.state / "records" / "analysis"
        self.records.mkdir(parents=True)
        self.env, self.settings, self.made, self.proc = env or cloud.environment(), settings, [], None
        self.start_s = int(time.time()) - 1000
        place.ends.append(lambda: self.proc and self.proc.poll() is None and self.proc.kill())

    def add(self, count, payload=b"GET / HTTP/1.1\r\n\r\n", when=None, **more):
        day = time.strftime("%Y-%m-%d", time.gmtime())
        with open(self.records / f"{day}.jsonl", "a") as out:
            for _ in range(count):
                n = len(self.made)
                init = when or self.start_s + n % 7 + 0.25
                record = {"init_ts": init, "last_ts": init + 1, "src_addr": "192.0.2.1", "dst_port": 80 + n % 2,
                          "payload": base64.b64encode(payload).decode(), "readable": "".join(map(printable, payload)),
                          "s3path": f"s3://b/pcap/{n}.pcap", "payload_len": len(payload), "n": n, **more}
                self.made.append(record)
                out.write(json.dumps(record) + "\n")
        return self

    def start(self):
        config = self.dir / "lurker.yml"
        config.write_text(sensor.yaml({"sensor": "lab", "state_dir": str(self.state), "user": "",
                                       "run_dir": str(self.run_dir), "log_level": "debug",
                                       "forwarder": {"linger_s": 1, **self.settings}}))
        self.proc = rig.Proc([rig.program("lurker-forwarder"), "-c", config], self.name, self.dir / "log", env=self.env)
        return self

    def wait(self, condition, what, timeout=25):
        rig.wait_for(condition, what, timeout, self.proc)
        return self

    def stop(self):
        return self.proc.stop()
