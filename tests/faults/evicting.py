"""flowagg is killed at every call while a full spool drops its oldest bundles. Afterwards every packet is accounted
for, and no flow with data is missing."""

import concurrent.futures
import signal
import time

import frames
from kill_points import CALLS, unbalanced
from pipeline import Pipeline, rig, run_to_end, torn

FLOWS, EVERY_S = 24, 30  # half as many minutes, each with a bundle
ROOM = ["--spool-max-files", "26", "--checkpoint-s", "1"]


def settled(p):
    now = p.now("flowagg")
    return p.taken_in() and not now.get("packets_pending") and not (p.state / "spool/evicted").exists()


def run_flowagg(p, before=()):
    """Runs flowagg until it is done or killed; returns its exit code."""
    proc = p.start("flowagg", *ROOM, before=before)
    run_to_end(proc, lambda: " started " in proc.output() and settled(p), traced=bool(before))
    if proc.poll() is None:
        proc.kill()
        raise rig.Failed(f"flowagg hangs\n{proc.tail(5)}")
    return proc.poll()


def evicted(p):
    """Returns the (queue, key) of each line, and the packets."""
    path = p.state / "flowagg.evicted"
    lines = [x.split() for x in path.read_text().splitlines()] if path.exists() else []
    return [(queue, key) for queue, key, _, _ in lines], sum(int(x[2]) for x in lines)


class Ground:
    def __init__(self):
        self.journal = Pipeline()
        path = self.journal.dir / "in.pcap"
        frames.write(path, frames.conversations(FLOWS, every_s=EVERY_S))
        if self.journal.feed(path) != 0:
            raise rig.Failed("capture -r: " + self.journal.procs[-1].tail())
        with Pipeline(template=self.journal) as p:
            trace = p.dir / "trace"
            code = run_flowagg(p, ["strace", "-f", "-qq", "-o", trace])
            lines = trace.read_text().splitlines()
            self.counts = {call: sum(f" {call}(" in x for x in lines) for call in CALLS}
            self.evicted = len(evicted(p)[0])
            if code or self.evicted < 10:
                raise rig.Failed(f"an undisturbed run ends with {code} and evicts {self.evicted}\n{p.procs[-1].tail(5)}")

    def close(self):
        self.journal.__exit__()


def one(ground, call, n):
    """(lost, seconds to recover, complaint); None: it had ended before."""
    name = f"{call} {n}"
    with Pipeline(template=ground.journal) as p:
        code = run_flowagg(p, ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}",
                               "-e", f"inject={call}:signal=KILL:when={n}"])
        if code == 0:
            return None
        if code not in (-signal.SIGKILL, 128 + signal.SIGKILL):
            return 0, 0, f"{name}: ended with {code}\n{p.procs[-1].tail(5)}"
        words = [f"{name}: torn {torn(p.state)[:3]}"] if torn(p.state) else []
        begin = time.monotonic()
        code = run_flowagg(p)
        took = time.monotonic() - begin
        now = p.now("flowagg")
        if code or now["total_spool"] or now["total_disk"]:
            words.append(f"{name}: exit code {code}, {now['total_spool']} packets turned away")
        gone, _ = evicted(p)
        if len(gone) != len(set(gone)) or len(gone) < 10 or any("bundle_" not in key for _, key in gone):
            words.append(f"{name}: recorded as evicted: {gone}")
        p.work_off(["uploader", "analyzer"], finished=lambda: not p.queue("uploader") and not p.queue("analyzer"))
        lost = FLOWS - sum("bundle_" not in key for key in p.objects())
        if lost:
            words.append(f"{name}: {lost} flows with data are lost")
        words += unbalanced(p, name)
        if p.audit().stdout.count("out of a full queue") != 2:
            words.append(f"{name}: the audit does not tell of both queues\n{p.audit().stdout}")
        return lost, took, "; ".join(words) or None


def points(count, most):
    return sorted({1 + i * (count - 1) // max(most - 1, 1) for i in range(most)}) if count else []


def run(case, short):
    ground = Ground()
    most = 1 if short else 400 if case.long else 12
    wanted = [(call, n) for call, count in ground.counts.items() for n in points(count, most)]
    try:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            tries = [t for t in pool.map(lambda w: one(ground, *w), wanted) if t]
    finally:
        ground.close()
    case.note(f"an undisturbed run takes {ground.evicted} entries out of the queues")
    case.times = len(tries)
    case.lost = sum(t[0] for t in tries)
    case.recovered = max((t[1] for t in tries), default=0)
    case.complain(*[t[2] for t in tries if t[2]])
    case.require(len(tries) >= (8 if short else 40), f"only {len(tries)} kill points")


CASES = {"kill-evicting": run}
