"""Disk errors: one call or all of them fail; a small, full or read-only filesystem; no inodes; no descriptors."""

import collections
import concurrent.futures
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import frames
from pipeline import SERVICES, WITH_FORWARDER, Pipeline, child_of, crashed, rig, run_to_end, torn
import records
from kill_points import Ground, compare, finished, unbalanced

# The errors of each call if the disk is full, broken or read-only, or descriptors are used up.
ERRORS = {"write": ("ENOSPC", "EIO", "EDQUOT"), "pwrite64": ("ENOSPC", "EDQUOT"), "fsync": ("EIO", "ENOSPC", "EDQUOT"),
          "fdatasync": ("EIO",), "syncfs": ("EIO",), "rename": ("ENOSPC", "EROFS"), "renameat": ("EIO",), "link": ("ENOSPC",),
          "linkat": ("ENOSPC", "EIO", "EROFS", "EMLINK", "EDQUOT"), "unlink": ("EIO", "EROFS"), "unlinkat": ("EIO", "EROFS"),
          "mkdir": ("ENOSPC", "EROFS", "EDQUOT"), "mkdirat": ("ENOSPC", "EROFS", "EDQUOT"),
          "openat": ("EMFILE", "EIO", "EROFS", "ENOSPC", "EDQUOT"), "read": ("EIO",), "pread64": ("EIO",), "ftruncate": ("EIO",),
          "newfstatat": ("EIO",), "fstat": ("EIO",), "getdents64": ("EIO",), "flock": ("EIO",), "fcntl": ("EIO",), "lseek": ("EIO",)}


OUTSIDE = object()


def outside(where, p):
    """Whether these lines of strace are about something else than the state of a pipeline: libraries being loaded and ZeroMQ's own
    eventfds are no disk."""
    return any("eventfd" in x for x in where) or not any(
        str(p.state) in x or '"/' not in x and "</" not in x and "<anon" not in x for x in where)


def places(ground, service):
    """call → which of its calls are about the state, in an undisturbed run: libraries and sockets come before and between them.
    strace counts them for each thread."""
    found = {call: set() for call in ERRORS}
    with Pipeline(template=ground.template(service)) as p:
        trace = p.dir / "trace"
        proc = p.start(service, "--no-sandbox", before=["strace", "-f", "-qq", "-y", "-o", str(trace), "-e",
                                                        "trace=" + ",".join(ERRORS)])
        rig.wait_for(lambda: finished(ground, service, p), f"an undisturbed {service}", 20)
        os.kill(child_of(proc.pid), signal.SIGTERM)
        proc.wait(10)
        count = collections.Counter()
        for line in trace.read_text(errors="replace").splitlines():
            begun = re.match(r"(\d+) +(\w+)\(", line)
            if begun and begun[2] in found:
                count[begun.groups()] += 1
                if str(p.state) in line:
                    found[begun[2]].add(count[begun.groups()])
    return {call: sorted(numbers) for call, numbers in found.items()}


def one(ground, service, call, error, n):
    """The nth call fails once. None when there is no nth call, OUTSIDE when it is not about the
    state; else (lost, duplicated, complaint)."""
    name = f"{service} {call} {n} {error}"
    with Pipeline(template=ground.template(service)) as p:
        hit = p.dir / "hit"
        proc = p.start(service, "--no-sandbox", before=["strace", "-f", "-qq", "-y", "-o", str(hit), "-e", f"trace={call}",
                                                        "-e", f"inject={call}:error={error}:when={n}"])
        told = run_to_end(proc, lambda: finished(ground, service, p), timeout=12, patience=4)
        where = [x for x in hit.read_text(errors="replace").splitlines() if "INJECTED" in x] if hit.exists() else []
        hangs = proc.poll() is None
        if hangs:
            os.kill(told or proc.pid, signal.SIGKILL)
            proc.kill()
        if not where:
            return (0, 0, f"{name}: does not end\n{proc.tail(6)}") if hangs else None
        if outside(where, p):
            return OUTSIDE
        if hangs:
            return 0, 0, f"{name}: does not end\n{where[0]}\n{proc.tail(6)}"
        how = crashed(proc)
        if how or proc.poll() not in (0, 1, 2):
            return 0, 0, f"{name}: {how or proc.poll()}\n{proc.tail(6)}"
        words = [f"{name}: torn {torn(p.state)[:3]}"] if torn(p.state) else []
        for s in [service] if finished(ground, service, p) else [service, service]:
            try:
                p.work_off([s], timeout=8, finished=lambda: finished(ground, service, p))
                break
            except rig.Timeout:
                pass
            except rig.Failed as problem:
                return 1, 0, f"{name}: {problem}"
        lost, twice, more = losses(ground, service, p, proc, name)
        words += more
        aside = sum(1 for _ in (p.state / "spool/bad").rglob("*.pcap"))
        if aside:
            words.append(f"{name}: {aside} set aside for one error that passed\n{proc.tail(6)}")
        return lost, twice, "; ".join(words) or None


def losses(ground, service, p, proc, name):
    """(lost without being counted, duplicated, complaints) after the run and its recovery."""
    lost, twice = compare(ground, service, p)
    if lost and counted(p, service):
        lost = 0
    words = [f"{name}: {lost} lost, uncounted\n{proc.tail(6)}"] if lost else []
    return lost, twice, words + unbalanced(p, name)


def counted(p, service):
    """What is missing is counted as turned away or stands in a file of another name (flowagg: without memory for a bundle, a
    flow gets a file of its own), or its record says so."""
    if service == "flowagg":
        total = p.now("flowagg")
        return "UNACCOUNTED" not in p.audit().stdout.split("uploader stores")[0] and \
            total.get("total_sealed") == total.get("total_delivered", 0) + total.get("total_disk", 0)
    return service == "analyzer" and any("memory" in r.get("truncated", ()) for r in p.records())


def errors(case, service, short):
    ground = Ground(5)
    most = (3 if service == "forwarder" else 4) if short else 200 if case.long else 60  # the forwarder waits a second for more

    def every(pair):
        numbers = where[pair[0]]
        step = max(1, len(numbers) // most) if short else 1
        got = [one(ground, service, *pair, n) for n in numbers[::step][:most]]
        hit = [x for x in got if x not in (None, OUTSIDE)]
        case.require(hit or not numbers, f"{service} {pair}: {len(numbers)} calls about the state, and none failed")
        return hit

    try:
        where = places(ground, service)
        pairs = [(c, e) for c, es in ERRORS.items() if where[c] for e in (es[:1] if short else es)]
        case.note("calls about the state: " + ", ".join(f"{c} {len(n)}" for c, n in where.items() if n))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            tries = [t for part in pool.map(every, pairs) for t in part]
    finally:
        ground.close()
    case.times = len(tries)
    case.require(tries, "nothing failed")
    case.lost = sum(t[0] for t in tries)
    case.duplicated = sum(t[1] for t in tries)
    case.complain(*[t[2] for t in tries if t[2]])


class Small:
    """A small filesystem for a pipeline or a part of one."""

    def __init__(self, kind, megabytes, options="", at=None):
        self.dir = at or pathlib.Path(tempfile.mkdtemp(prefix="lurker-small-", dir="/tmp"))
        self.dir.mkdir(parents=True, exist_ok=True)
        self.image = None
        if kind == "tmpfs":
            argv = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m{options}", "tmpfs", self.dir]
        else:
            self.image = pathlib.Path(f"{self.dir}.img")
            with open(self.image, "wb") as f:
                f.truncate(megabytes << 20)
            subprocess.run(["mkfs.ext4", "-q", "-F", *options.split(), self.image], check=True)
            argv = ["mount", "-o", "loop", self.image, self.dir]
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode:
            self.close()
            raise rig.Failed(f"mount: {done.stderr}")

    def remount(self, how):
        subprocess.run(["mount", "-o", f"remount,{how}", self.dir], check=True)

    def fill(self):
        """Uses all remaining space."""
        fd = os.open(self.dir / "ballast", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for size in (1 << 20, 4096, 64, 1):
            try:
                while os.write(fd, bytes(size)):
                    pass
            except OSError:
                continue
        os.close(fd)

    def relieve(self):
        (self.dir / "ballast").unlink()

    def close(self):
        for _ in range(20):
            if subprocess.run(["umount", self.dir], capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        self.dir.rmdir()
        if self.image:
            self.image.unlink()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


COUNT = 20  # conversations of a feed


def write_feed(path, n):
    """The nth feed: a file of conversations of its own; its packets."""
    packets = frames.conversations(COUNT, first=COUNT * n, start_s=1_790_000_000 + 8000 * n)
    frames.write(path, packets)
    return packets


def feed(case, p, path, n):
    write_feed(path, n)
    code = p.feed(path)
    case.require(code == 0, f"capture -r ended with {code}\n{p.procs[-1].tail(4)}")


def taken(case, n, packets, held):
    """Which conversations of feed n a capture on a disk that refuses has journalled, whole. What it did not take it must say; as the disk
    goes on refusing, that is the end of the file."""
    ended = re.search(r"capture: ended packets=(\d+)", held.output())
    count = int(ended[1]) if ended else 0
    case.require(held.poll() == (0 if ended else 1), f"capture ended with {held.poll()}\n{held.tail(6)}")
    case.require(count == len(packets) or " error " in held.output(), f"capture took {count} of {len(packets)} and says nothing\n{held.tail(6)}")
    got, whole = 0, []
    for c in range(COUNT * n, COUNT * (n + 1)):
        got += len(frames.conversations(1, first=c))
        whole += [c] if got <= count else []
    return whole, count


def compare_all(case, p, conversations):
    """Checks that each conversation has one complete record, and that records and archive have the same objects."""
    got = collections.Counter(records.payload(r) for r in p.records())
    case.lost += sum(frames.text(c) not in got for c in conversations)
    ids = [r["flow_id"] for r in p.records()]
    case.duplicated += len(ids) - len(set(ids))
    named = {r["s3path"][r["s3path"].index("pcap/"):] for r in p.records()}
    stored = {key[key.index("pcap/"):] for key in p.objects() if "pcap/" in key}
    case.require(named == stored, f"in records and not in the archive: {sorted(named - stored)[:3]}, the other way: {sorted(stored - named)[:3]}")


def trouble(case, small, begin, end, rounds):
    """Runs all services on a small filesystem during conversations; begin() fills it or breaks it, end() repairs it."""
    with Pipeline(base=small.dir / "p") as p:
        p.dir.mkdir()
        outside = pathlib.Path(f"{small.dir}-logs")
        outside.mkdir(exist_ok=True)
        p.dir, real = outside, p.dir
        try:
            procs = {s: p.start(s) for s in SERVICES}
            path = outside / "in.pcap"
            expected = []
            for n in range(0, 3 * rounds, 3):
                feed(case, p, path, n)
                rig.wait_for(p.done, "the end of a round", 20)
                begin()
                packets = write_feed(path, n + 1)
                held = p.start("capture", "-r", path, "--end-gap-s", 600)
                time.sleep(2)
                for s, proc in procs.items():
                    case.require(proc.poll() is None, f"{s} ended with {proc.poll()}\n{proc.tail(6)}")
                    how = crashed(proc)
                    case.require(not how, f"{s}: {how}")
                bad = torn(p.state)
                case.require(not bad, f"torn {bad[:3]}")
                end()
                relieved = time.monotonic()
                held.wait(30)
                whole, count = taken(case, n + 1, packets, held)
                case.note(f"capture took {count} of {len(packets)} packets while the disk refused, and ended with {held.poll()}")
                feed(case, p, path, n + 2)
                rig.wait_for(p.done, "work after relief", 30)
                case.recovered = max(case.recovered or 0, time.monotonic() - relieved)
                case.times += 1
                expected += [c for m in (n, n + 2) for c in range(COUNT * m, COUNT * (m + 1))] + whole
            for s, proc in procs.items():
                case.require(proc.stop() == 0, f"{s} ended with {proc.poll()}\n{proc.tail(6)}")
                said = collections.Counter(re.findall(r" (?:error|warn) +\w+: ([^=]*?)(?: \w+=|$)", proc.output(), re.M))
                often = {event: times for event, times in said.items() if times > rounds}
                case.require(not often, f"{s} says more than once a round: {often}\n{proc.tail(9)}")
            compare_all(case, p, expected)
            said = p.audit()
            case.require(said.returncode == 0, said.stdout + said.stderr)
            turned = [k for k in ("total_disk", "total_spool") if p.now("flowagg").get(k)]
            case.require(not turned, f"given up: { {k: p.now('flowagg')[k] for k in turned} }")
        finally:
            for proc in p.procs:
                if proc.poll() is None:
                    proc.kill()
            shutil.rmtree(outside, ignore_errors=True)
            p.dir = real


def refused(case, short):
    """The disk takes the journal but no more files of flowagg's: nothing is given up, all waits in the journal, and comes within 5 s
    once there is room."""
    rounds, count = (1, 100) if short else (3, 400)
    with Pipeline() as p, Small("tmpfs", 8, at=p.state / "spool") as small:
        procs = {s: p.start(s) for s in SERVICES}
        fed = 0
        path = p.dir / "in.pcap"
        for _ in range(rounds):
            small.fill()
            frames.write(path, frames.conversations(count, first=fed, start_s=1_790_000_000 + 80 * fed))
            fed += count
            case.require(p.feed(path) == 0, p.procs[-1].tail())
            rig.wait_for(lambda: p.now("flowagg").get("held"), "flowagg saying that it is held", 10)
            small.relieve()
            begin = time.monotonic()
            rig.wait_for(p.done, "the end of the work", 30)
            case.recovered = max(case.recovered or 0, time.monotonic() - begin)
            case.times += 1
        for s, proc in procs.items():
            case.require(proc.stop() == 0 and not crashed(proc), f"{s} ended with {proc.poll()}\n{proc.tail(6)}")
        said = procs["flowagg"].output().count("spool cannot be written")
        case.require(1 <= said <= rounds, f"flowagg says it {said} times in {rounds} rounds\n" + procs["flowagg"].output())
        now = p.now("flowagg")
        case.require(not any(now[k] for k in ("total_disk", "total_spool", "total_gap", "held")), f"given up: {now}")
        have = {records.payload(r) for r in p.records()}
        case.lost = sum(frames.text(n) not in have for n in range(fed))
        case.complain(*unbalanced(p, "at the end"))
    case.require(case.recovered <= 5, f"work went on only {case.recovered:.1f} s after the relief")


def full(case, kind, short):
    with Small(kind, 24) as small:
        trouble(case, small, small.fill, small.relieve, 1 if short else 3)
    case.require(case.recovered <= 5, f"work went on only {case.recovered:.1f} s after the relief")


def read_only(case, short):
    """Files open for writing forbid a remount, so it is the start that meets a read-only disk: each service says so and ends,
    as often as it is started, and works within 5 s once the disk takes writes."""
    with Small("ext4", 24) as small:
        (small.dir / "p").mkdir()
        with Pipeline(base=small.dir / "p") as p:
            p.dir = pathlib.Path(f"{small.dir}-logs")
            p.dir.mkdir()
            try:
                path = p.dir / "in.pcap"
                rounds = 1 if short else 3
                for n in range(rounds):
                    feed(case, p, path, n)
                    small.remount("ro")
                    for s in SERVICES:
                        proc = p.start(s)
                        code = proc.wait(10)
                        case.require(code == 1 and " error " in proc.output(), f"{s} on a read-only disk: {code}\n{proc.tail(5)}")
                        case.times += 1
                    small.remount("rw")
                    case.recovered = max(case.recovered or 0, p.work_off())
                compare_all(case, p, range(COUNT * rounds))
                said = p.audit()
                case.require(said.returncode == 0, said.stdout + said.stderr)
            finally:
                for proc in p.procs:
                    if proc.poll() is None:
                        proc.kill()
                shutil.rmtree(p.dir, ignore_errors=True)
    case.require(case.recovered <= 5, f"work went on only {case.recovered:.1f} s after the relief")


def inodes(case, short):
    with Small("tmpfs", 24, ",nr_inodes=400") as small:
        hold = small.dir / "hold"

        def begin():
            hold.mkdir()
            try:
                for i in range(10_000):
                    (hold / str(i)).touch()
            except OSError:
                pass

        trouble(case, small, begin, lambda: shutil.rmtree(hold), 1 if short else 2)
    case.require(case.recovered <= 5, f"work went on only {case.recovered:.1f} s after the relief")


CASES = {f"errors-{s}": (lambda case, short, s=s: errors(case, s, short)) for s in WITH_FORWARDER}
CASES |= {"disk-full-tmpfs": lambda case, short: full(case, "tmpfs", short),
          "disk-refuses-flowagg": refused, "disk-full-ext4": lambda case, short: full(case, "ext4", short),
          "disk-read-only": read_only, "no-inodes": inodes}
