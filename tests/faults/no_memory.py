"""Each allocation in a service's own code fails once, during its start and a short run. The service ends with an
error or continues, never crashes, and finally makes the same output as an undisturbed run."""

import concurrent.futures
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from bad_disk import losses
from kill_points import Ground, finished
from pipeline import WITH_FORWARDER, Pipeline, crashed, rig, torn

SOURCE = pathlib.Path(__file__).resolve().parent / "failmalloc.c"


def build_shim(place):
    shim = place / "failmalloc.so"
    subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", shim, SOURCE], check=True)
    return shim


def one(ground, service, shim, n):
    name = f"{service} allocation {n}"
    with Pipeline(template=ground.template(service)) as p:
        mark = p.dir / "failed"
        proc = p.start(service, env={"LD_PRELOAD": str(shim), "FAIL_AT": str(n), "FAIL_MARK": str(mark)})
        deadline = time.monotonic() + 4
        while proc.poll() is None and time.monotonic() < deadline and not (
                finished(ground, service, p) and " started " in proc.output()):
            time.sleep(0.005)
        proc.signal(signal.SIGTERM)
        try:
            proc.wait(12)
        except subprocess.TimeoutExpired:
            proc.kill()
            return 0, 0, f"{name}: does not end\n{proc.tail(6)}"
        if not mark.exists():
            return None
        how = crashed(proc)
        if how or proc.poll() not in (0, 1, 2):
            return 0, 0, f"{name}: {how or proc.poll()}\n{proc.tail(6)}"
        if proc.poll() and not proc.output().strip():
            return 0, 0, f"{name}: ends with {proc.poll()} and says nothing"
        words = [f"{name}: torn {torn(p.state)[:3]}"] if torn(p.state) else []
        try:
            p.work_off([service], timeout=8, finished=lambda: finished(ground, service, p))
        except rig.Timeout:
            pass
        except rig.Failed as problem:
            return 1, 0, f"{name}: {problem}"
        lost, twice, more = losses(ground, service, p, proc, name)
        return lost, twice, "; ".join(words + more) or None


def run(case, service, short):
    step, most = (7, 600) if short else (1, 3000 if case.long else 500)
    place = pathlib.Path(tempfile.mkdtemp(prefix="lurker-faults-", dir=os.environ.get("XDG_RUNTIME_DIR")))
    ground = None
    try:
        shim = build_shim(place)
        ground = Ground(5)
        tries = []
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            points = list(range(1, most + 1, step))
            for i in range(0, len(points), 8):
                got = list(pool.map(lambda n: one(ground, service, shim, n), points[i:i + 8]))
                tries += [t for t in got if t]
                if None in got:
                    break
    finally:
        if ground:
            ground.close()
        shutil.rmtree(place, ignore_errors=True)
    case.times = len(tries)
    case.lost = sum(t[0] for t in tries)
    case.duplicated = sum(t[1] for t in tries)
    case.complain(*[t[2] for t in tries if t[2]])
    case.require(case.times > 2, "no allocation failed")


CASES = {f"no-memory-{s}": (lambda case, short, s=s: run(case, s, short)) for s in WITH_FORWARDER}
