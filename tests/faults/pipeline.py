"""Runs the services without a network on a state directory of their own. A capture file goes in; the objects and
records that come out are compared with those of an undisturbed run."""

import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scenario" / "lib"))
import records
import rig

SERVICES = rig.services.BEHIND
WITH_FORWARDER = (*SERVICES, "forwarder")
OPTIONS = {"capture": ["--journal-segment", "1MiB"], "flowagg": ["--checkpoint-s", "1"], "forwarder": ["--linger-s", "1"]}


class Webhook:
    """Takes what the forwarder posts."""

    def __init__(self):
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.lines += body.splitlines()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass
        self.lines = []
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Shim:
    """A directory of the programs in which the services named are under a preloaded library of ours that looks at a mapped
    number: NAME.c, which finds the number's file by $NAME."""

    def __init__(self, name, place, services):
        self.bin, self.file, library = place / f"{name}-bin", place / f"{name}-number", place / f"{name}.so"
        source = pathlib.Path(__file__).with_name(f"{name}.c")
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, source], check=True)
        self.file.write_bytes(bytes(8))
        self.bin.mkdir()
        for program in rig.BIN.iterdir():
            to = self.bin / program.name
            if program.name.removeprefix("lurker-") in services:
                to.write_text(f"#!/bin/sh\nexport LD_PRELOAD={library} {name.upper()}={self.file}\nexec {program} \"$@\"\n")
                to.chmod(0o755)
            elif program.name == "lurker":
                shutil.copy(program, to)  # `lurker up` looks for services beside the file that it is
            else:
                to.symlink_to(program)

    def set(self, number):
        with open(self.file, "r+b") as f:
            f.write(struct.pack("q", number))


class Pipeline:
    def __init__(self, base=None, template=None):
        """template: another pipeline whose state is copied."""
        fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.own = base is None
        self.dir = pathlib.Path(base or tempfile.mkdtemp(prefix="lurker-faults-", dir=fast))
        self.state, self.run_dir = self.dir / "state", self.dir / "run"
        self.procs, self._hook = [], None
        if template:
            subprocess.run(["cp", "-a", template.state, self.state], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for p in self.procs:
            if p.poll() is None:
                p.kill()
        if self._hook:
            self._hook.close()
        if self.own and not os.environ.get("RIG_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    @property
    def hook(self):
        """Where the forwarder of this pipeline sends records."""
        self._hook = self._hook or Webhook()
        return self._hook

    def argv(self, service, *more):
        if service == "forwarder":
            more = ("--webhook-url", self.hook.url, *more)
        return [rig.program(f"lurker-{service}"), "--state-dir", str(self.state), "--run-dir", str(self.run_dir),
                "--user", "", "--sensor", "faults", *OPTIONS.get(service, []), *map(str, more)]

    def start(self, service, *more, before=(), log=None, env=None):
        """before: what the service is started under, such as strace. The process started is returned as a rig.Proc."""
        proc = rig.Proc([*before, *self.argv(service, *more)], service, self.dir / f"{log or service}-{len(self.procs)}.log",
                        env=rig.environment(env))
        self.procs.append(proc)
        return proc

    def feed(self, path, *more, timeout=60):
        """capture takes in a file; the exit code."""
        return self.start("capture", "-r", path, *more).wait(timeout)

    def queue(self, consumer):
        base = self.state / "spool" / "queue" / consumer
        return {str(p.relative_to(base)) for p in base.rglob("*.pcap")}

    def objects(self):
        """key → digest of every file that stands under a final name."""
        base = self.state / "objects"
        return {str(p.relative_to(base)): hashlib.sha256(p.read_bytes()).hexdigest()
                for p in base.rglob("*") if p.is_file() and not p.name.startswith(".")}

    def records(self):
        return records.read(self.state)

    def lines(self):
        """The records as they stand in the files."""
        return b"".join(path.read_bytes() for path in sorted((self.state / "records/analysis").glob("*.jsonl"))).splitlines()

    def forwarded(self):
        """The forwarder has come to the end of the records, and remembers it."""
        last = max((self.state / "records/analysis").glob("*.jsonl"))
        try:
            day, offset = (self.state / "forwarder/webhook.offset").read_text().split()
        except (OSError, ValueError):
            return False
        return day == last.stem.replace("-", "") and int(offset) == last.stat().st_size

    def now(self, service):
        """The counters a service left last, in one dict."""
        base = self.state / "stat" / service
        for path in (base / "now", *sorted(base.glob("*.jsonl"), reverse=True)):
            try:
                line = json.loads(path.read_text().splitlines()[-1])
                break
            except (OSError, ValueError, IndexError):
                continue
        else:
            return {}
        return {**line.get("counters", {}), **line.get("gauges", {}), **line.get("drops", {})}

    def taken_in(self):
        """flowagg has everything that is in the journal."""
        last = sorted((self.state / "journal").glob("*.pcap"))
        if not last:
            return True
        count = int(last[-1].stem) + sum(1 for _ in records.packets(last[-1]))
        return self.now("flowagg").get("next_number") == count

    def done(self):
        """What flowagg has delivered is stored and recorded."""
        return self.taken_in() and not self.queue("uploader") and not self.queue("analyzer") and \
            not self.now("flowagg").get("packets_pending")

    def audit(self, *more):
        return subprocess.run([rig.program("lurker"), "audit", "--state-dir", str(self.state), *more], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, env=rig.environment())

    def work_off(self, services=SERVICES, timeout=30, finished=None):
        """Runs services until all is done; seconds that took. They are ended in order."""
        procs = [self.start(s) for s in services]
        begin = time.monotonic()
        try:
            rig.wait_for(finished or self.done, "the end of the work", timeout)
            rig.wait_for(lambda: all(" started " in p.output() for p in procs), "the start of the services", 5)
        finally:
            took = time.monotonic() - begin
            codes = [p.stop() for p in procs]
        if any(codes):
            raise rig.Failed(f"exit codes {codes}\n" + "\n".join(p.tail(5) for p in procs))
        return took


def child_of(pid):
    """The process that pid (strace, sh) runs."""
    for _ in range(400):
        try:
            kids = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            return None
        if kids:
            return int(kids[0])
        time.sleep(0.002)
    return None


def run_to_end(proc, settled, traced=True, timeout=20, patience=None):
    """Waits until proc ends by itself, or tells it to once settled() holds or patience is over. traced: proc is the
    strace that started it. Returns the id of the process that was told, or None."""
    begun, told = time.monotonic(), None
    while proc.poll() is None and time.monotonic() < begun + timeout:
        if told is None and (settled() or (patience is not None and time.monotonic() > begun + patience)):
            told = (child_of(proc.pid) if traced else proc.pid) or None
            if told:
                os.kill(told, signal.SIGTERM)
        time.sleep(0.004)
    return told


def crashed(proc):
    """How a process ended, if that is a crash: a signal other than the SIGKILL and SIGTERM we sent, or a sanitizer's word."""
    code = proc.poll()
    if code is not None and code < 0 and -code not in (signal.SIGKILL, signal.SIGTERM):
        return signal.Signals(-code).name
    if code is not None and code >= 128 and code - 128 not in (signal.SIGKILL, signal.SIGTERM):
        return f"exit {code}"
    found = re.search(r"(AddressSanitizer|runtime error|Assertion).*", proc.output())
    return found and found.group(0)


def whole(path):
    """Whether a capture file ends where a packet ends."""
    data = path.read_bytes()
    if len(data) < 24:
        return False
    at = 24
    while at + 16 <= len(data):
        at += 16 + int.from_bytes(data[at + 8:at + 12], "little")
    return at == len(data)


def torn(state):
    """Files under final names, in archive and queues, that are not whole."""
    places = [state / "objects", state / "spool" / "queue"]
    return [p for place in places for p in place.rglob("*.pcap") if not whole(p)]
