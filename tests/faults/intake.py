"""capture reads a file, and at every place it is killed, meets a disk error, or runs out of memory. Every packet
with a number is in the journal and becomes part of a flow; packets that it could not write are counted; the next
capture continues after it."""

import concurrent.futures
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import frames
from bad_disk import ERRORS, OUTSIDE, outside
from kill_points import CALLS, unbalanced
from no_memory import build_shim
from pipeline import Pipeline, crashed, rig, torn

COUNT = 30
UPLOAD = 3 << 20


def strace(call, how, log):
    return ["strace", "-f", "-qq", "-y", "-o", str(log), "-e", f"trace={call}", "-e", f"inject={call}:{how}"]


def one(name, path, killed, before=(), env=None, mark=None, options=(), sizes=()):
    """One capture with a fault, another after it, and the services on what they left. None when the fault did not come (mark is the
    file that tells, or its lines with INJECTED), OUTSIDE when it is not about the state; else a complaint or ''. sizes: of payloads in
    the file besides those of the conversations."""
    with Pipeline() as p:
        place = p.dir / "mark"
        proc = p.start("capture", "-r", path, *options, before=before(place) if before else (), env=env and env(place))
        try:
            code = proc.wait(20)
        except subprocess.TimeoutExpired:
            proc.kill()
            return f"{name}: does not end\n{proc.tail(6)}"
        lines = place.read_text(errors="replace") if place.exists() else ""
        if killed:
            if code == 0:
                return None
            if code not in (-signal.SIGKILL, 128 + signal.SIGKILL):
                return f"{name}: ended with {code}\n{proc.tail(6)}"
        elif mark == "file" and not place.exists() or mark == "lines" and "INJECTED" not in lines:
            return None
        elif mark == "lines" and outside([x for x in lines.splitlines() if "INJECTED" in x], p):
            return OUTSIDE
        elif crashed(proc) or code not in (0, 1, 2):
            return f"{name}: {crashed(proc) or code}\n{proc.tail(6)}"
        if p.feed(path) != 0:
            return f"{name}: the next capture: {p.procs[-1].tail(6)}"
        try:
            p.work_off(timeout=20)
        except (rig.Timeout, rig.Failed) as problem:
            return f"{name}: {problem}"
        # The second capture took all of it.
        texts = {r["payload_len"] for r in p.records()}
        missing = [size for size in (*(len(frames.text(n)) for n in range(COUNT)), *sizes) if size not in texts]
        bad = torn(p.state)
        words = [f"{name}: torn {bad[:3]}"] if bad else []
        words += [f"{name}: {len(missing)} conversations are missing"] if missing else []
        return "; ".join(words + unbalanced(p, name))


def over(case, tries, most, step):
    """tries: functions of n, each called with 1, 1 + step, … until it says None."""
    def every(attempt):
        out = []
        for n in range(1, most + 1, step):
            said = attempt(n)
            if said is None:
                break
            if said is not OUTSIDE:
                out.append(said)
        return out
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        got = [said for part in pool.map(every, tries) for said in part]
    case.times = len(got)
    case.complain(*filter(None, got))
    case.require(got, "nothing was tried")


class Input:
    """A capture file, and a folder for what a case needs. long: with an upload that fills several segments of the journal."""

    def __init__(self, long=False):
        self.long = long

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="lurker-faults-", dir=os.environ.get("XDG_RUNTIME_DIR")))
        self.path = self.dir / "in.pcap"
        packets = frames.conversations(COUNT)
        if self.long:
            start = packets[-1][0]
            upload = frames.talk("10.9.9.9", 999, "203.0.113.9", 81, bytes(UPLOAD))
            packets[-8:-8] = [(start, frame) for frame in upload]
        frames.write(self.path, packets)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)


def kills(case, short):
    with Input() as given:
        over(case, [lambda n, c=c: one(f"capture {c} {n}", given.path, True,
                                       before=lambda log: strace(c, f"signal=KILL:when={n}", log)) for c in CALLS],
             100, 7 if short else 1)


def rotating(case, short):
    """As kills, while the journal goes on in one segment after the other."""
    with Input(long=True) as given:
        with Pipeline() as p:
            case.require(p.feed(given.path) == 0, p.procs[-1].tail())
            segments = len(list((p.state / "journal").glob("*.pcap")))
            case.require(segments > 3, f"{segments} segments")
        over(case, [lambda n, c=c: one(f"capture {c} {n}", given.path, True,
                                       before=lambda log: strace(c, f"signal=KILL:when={n}", log), sizes=[UPLOAD]) for c in CALLS],
             100, 9 if short else 1)


def errors(case, short):
    pairs = [(c, e) for c, es in ERRORS.items() for e in (es[:1] if short else es)]
    with Input() as given:
        over(case, [lambda n, c=c, e=e: one(f"capture {c} {n} {e}", given.path, False, mark="lines", options=["--no-sandbox"],
                                            before=lambda log: strace(c, f"error={e}:when={n}", log)) for c, e in pairs],
             60, 15 if short else 1)


def no_memory(case, short):
    with Input() as given:
        shim = build_shim(given.dir)
        over(case, [lambda n: one(f"capture allocation {n}", given.path, False, mark="file",
                                  env=lambda mark: {"LD_PRELOAD": str(shim), "FAIL_AT": str(n), "FAIL_MARK": str(mark)})],
             500, 7 if short else 1)


CASES = {"kill-capture": kills, "kill-capture-rotating": rotating, "errors-capture": errors, "no-memory-capture": no_memory}
