"""lurker-analyzer as a worker on a queue, or as a Lambda function."""

import json

import cloud
import records
import rig
import sensor


class Worker:
    """settings: the analyzer's section, added to the settings for queue and bucket."""

    def __init__(self, place, name, queue, bucket_url, env=None, **settings):
        self.dir, self.name, self.env = place.dir / name, name, env or cloud.environment()
        self.state, self.run_dir, self.proc = self.dir / "state", self.dir / "run", None
        self.dir.mkdir(parents=True, exist_ok=True)
        self.settings = {"sqs": queue, "s3_endpoint": bucket_url, "sqs_visibility_s": 10, "retry_max_s": 1, **settings}
        self.config = self.dir / "lurker.yml"
        place.ends.append(lambda: self.proc and self.proc.poll() is None and self.proc.kill())

    def start(self, wrap=(), **more):
        self.config.write_text(sensor.yaml({"sensor": "worker", "state_dir": str(self.state), "user": "",
                                            "run_dir": str(self.run_dir), "log_level": "debug", **more,
                                            "analyzer": self.settings}))
        self.proc = rig.Proc([*wrap, rig.program("lurker-analyzer"), "-c", self.config], self.name, self.dir / "log",
                             env=self.env)
        return self

    def records(self):
        return records.read(self.state)

    def keys(self):
        """The object keys of the records, in order."""
        return [r["s3path"].split("/", 3)[3] for r in self.records()]

    def wait(self, condition, what, timeout=30):
        rig.wait_for(condition, what, timeout, self.proc)
        return self

    def stop(self):
        return self.proc.stop()

    def log(self):
        return self.proc.output()

    def last(self):
        """The counters that it left when it ended."""
        lines = [json.loads(x) for p in sorted((self.state / "stat" / "analyzer").glob("*.jsonl"))
                 for x in p.read_text().splitlines()]
        return {**lines[-1].get("counters", {}), **lines[-1].get("gauges", {}), **lines[-1].get("drops", {})}
