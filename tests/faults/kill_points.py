"""SIGKILL at every call that changes the disk or sends data: the service dies just before its nth such call, for
every n. After a restart, it must make the same files and records as an undisturbed run."""

import concurrent.futures
import signal

import frames
from pipeline import WITH_FORWARDER, Pipeline, rig, run_to_end, torn

CALLS = ("write", "pwrite64", "fsync", "fdatasync", "syncfs", "rename", "renameat", "renameat2", "link", "linkat",
         "unlink", "unlinkat", "ftruncate", "fchmod", "mkdir", "mkdirat", "openat", "sendto", "sendmsg")


class Ground:
    """The initial state of every attempt of a service, and the expected result."""

    def __init__(self, count):
        self.journal = Pipeline()  # a journal, nothing taken in
        path = self.journal.dir / "in.pcap"
        frames.write(path, frames.conversations(count))
        if self.journal.feed(path) != 0:
            raise rig.Failed("capture -r: " + self.journal.procs[-1].tail())
        self.queued = Pipeline(template=self.journal)  # flowagg is done
        self.queued.work_off(["flowagg"], finished=lambda: self.queued.taken_in() and self.queued.queue("analyzer"))
        self.final = Pipeline(template=self.queued)
        self.final.work_off(["uploader", "analyzer"])
        self.keys = self.queued.queue("uploader")
        self.objects = self.final.objects()
        self.lines = set(self.final.lines())
        self.records = {r["flow_id"]: r["payload"] for r in self.final.records()}
        if len(self.records) < count or len(self.objects) < count:
            raise rig.Failed(f"an undisturbed run makes {len(self.objects)} objects, {len(self.records)} records")

    def template(self, service):
        return {"flowagg": self.journal, "forwarder": self.final}.get(service, self.queued)

    def close(self):
        for p in (self.journal, self.queued, self.final):
            p.__exit__()


def finished(ground, service, p):
    if service == "flowagg":
        return p.queue("uploader") == ground.keys == p.queue("analyzer") and not any((p.state / "spool/tmp").iterdir())
    return p.forwarded() if service == "forwarder" else not p.queue(service)


def compare(ground, service, p):
    """(lost, duplicated): of objects and records; a record that came twice with the same content is no loss, but told."""
    if service == "flowagg":
        extra = len(p.queue("uploader") ^ ground.keys) + len(p.queue("analyzer") ^ ground.keys)
        base = p.state / "spool/queue/uploader"
        want = ground.queued.state / "spool/queue/uploader"
        other = [k for k in ground.keys if (base / k).exists() and (base / k).read_bytes() != (want / k).read_bytes()]
        return extra + len(other), 0
    if service == "uploader":
        have = p.objects()
        return sum(have.get(k) != v for k, v in ground.objects.items()), len(have.keys() - ground.objects.keys())
    if service == "forwarder":
        got = p.hook.lines
        return len(ground.lines ^ set(got)), len(got) - len(set(got))
    seen = {}
    twice = 0
    for r in p.records():
        twice += r["flow_id"] in seen
        if seen.setdefault(r["flow_id"], r["payload"]) != r["payload"]:
            return 1, twice
    return sum(seen.get(k) != v for k, v in ground.records.items()) + len(seen.keys() - ground.records.keys()), twice


def unbalanced(p, name):
    """The complaints of the audit, as a list."""
    said = p.audit()
    return [f"{name}: {said.stdout}{said.stderr}"] if said.returncode else []


def one(ground, service, call, n):
    """None when there is no nth call; else (lost, duplicated, seconds to recover, complaint)."""
    with Pipeline(template=ground.template(service)) as p:
        proc = p.start(service, before=["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}",
                                        "-e", f"inject={call}:signal=KILL:when={n}"])
        run_to_end(proc, lambda: finished(ground, service, p))
        if proc.poll() is None:
            proc.kill()
            return 0, 0, 0, f"{service} {call} {n}: hangs\n{proc.tail(5)}"
        if proc.poll() == 0:
            return None
        if proc.poll() not in (-signal.SIGKILL, 128 + signal.SIGKILL):
            return 0, 0, 0, f"{service} {call} {n}: ended with {proc.poll()}\n{proc.tail(5)}"
        bad = torn(p.state)
        try:
            took = p.work_off([service], finished=lambda: finished(ground, service, p))
        except (rig.Timeout, rig.Failed) as problem:
            return 1, 0, 0, f"{service} {call} {n}: {problem}"
        lost, twice = compare(ground, service, p)
        words = [f"{service} {call} {n}: torn {bad[:3]}"] if bad else []
        if lost:
            words.append(f"{service} {call} {n}: {lost} lost or other")
        words += unbalanced(p, f"{service} {call} {n}")
        return lost, twice, took, "; ".join(words) or None


def libraries(service):
    """How many files a service opens before it begins to look for its settings and state: no place worth a kill."""
    with Pipeline() as p:
        log = p.dir / "opened"
        p.start(service, "--help", before=["strace", "-f", "-qq", "-o", log, "-e", "trace=openat"]).wait(20)
        return log.read_text().count(" openat(")


def every(ground, service, call, step, most):
    out = []
    first = libraries(service) if call == "openat" else 0
    for n in range(first + 1, first + most + 1, step):
        got = one(ground, service, call, n)
        if got is None:
            break
        out.append(got)
    return out


def run(case, service, short):
    """Short: a tenth of the points."""
    step = (15 if service == "forwarder" else 7) if short else 1
    ground = Ground(6 if short else 12)
    try:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            tries = [t for part in pool.map(lambda c: every(ground, service, c, step, 400), CALLS) for t in part]
    finally:
        ground.close()
    case.times = len(tries)
    case.lost = sum(t[0] for t in tries)
    case.duplicated = sum(t[1] for t in tries)
    case.recovered = max((t[2] for t in tries), default=0)
    case.complain(*[t[3] for t in tries if t[3]])
    case.require(len(tries) >= (2 if short else 15), f"only {len(tries)} kill points")
    case.require(case.recovered <= 5, "recovery took longer than 5 s")


def outside(case, short):
    """Packets that count in no record, of fragments whose rest never comes: the balance needs the analyzer's own count."""
    with Pipeline() as queued:
        path = queued.dir / "in.pcap"
        frames.write(path, [(1_790_000_000_000_000_000 + i * 10**6, frames.ip(f"10.0.{i >> 8}.{i & 255}", "203.0.113.9", 17, bytes(32), i, 0x2000))
                            for i in range(200)])
        case.require(queued.feed(path) == 0, queued.procs[-1].tail())
        queued.work_off(["flowagg"], finished=lambda: queued.taken_in() and queued.queue("analyzer"))
        for call, n in (("unlinkat", 1), ("unlinkat", 150), ("fdatasync", 1), ("fdatasync", 2), *(() if short else (("unlinkat", 5), ("unlinkat", 60)))):
            with Pipeline(template=queued) as p:
                proc = p.start("analyzer", before=["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}",
                                                   "-e", f"inject={call}:signal=KILL:when={n}"])
                rig.wait_for(lambda: proc.poll() is not None, f"the kill at {call} {n}", 30)
                p.work_off(["analyzer"], finished=lambda: not p.queue("analyzer"))
                said = p.audit()
                case.times += 1
                case.require(said.returncode == 0 and "in no record" in said.stdout, f"{call} {n}: {said.stdout}")


CASES = {f"kill-{s}": (lambda case, short, s=s: run(case, s, short)) for s in WITH_FORWARDER}
CASES["kill-analyzer-outside"] = outside
