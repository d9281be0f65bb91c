#!/usr/bin/python3
"""The default store: each sealed file becomes one object in a local directory, whatever happens."""

import os
import pathlib
import re
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import cloud
import records
import rig

t = rig.Report("uploader_dir")
rig.require(t, programs=["lurker-uploader"], root=False)


def objects(up, where=None):
    root = where or up.state / "objects"
    found = {}
    for path in records.walk(root):
        try:
            found[str(path.relative_to(root))] = path.read_bytes()
        except FileNotFoundError:
            pass  # the uploader keeps its archive below the limit meanwhile
    return found


def local(place, name, **settings):
    up = cloud.Uploader(place, name, **settings)
    for key in ("store", "s3_bucket", "s3_endpoint", "s3_prefix"):
        del up.settings[key]
    return up


with t, cloud.Place() as place:
    up = local(place, "plain").add(300)
    keep = place.dir / "analyzers-link"
    first = next(iter(up.made))
    os.link(up.queue / first, keep)
    up.start(listen=True).wait_empty()
    t.check("every file is an object, byte for byte", objects(up) == up.made)
    t.check("storing is one hard link", os.stat(up.state / "objects" / first).st_ino == os.stat(keep).st_ino)
    up.add(5)
    up.wait_empty(10)
    t.check("what comes later is stored without a wake-up", objects(up) == up.made)
    rig.wait_for(lambda: len(up.bus.kept["object"]) >= 5, "object messages", 10, up.proc)
    late = {m["key"]: m for m in up.bus.kept["object"]}
    good = all(m["sha256"] == cloud.sha256(up.made[k]) and m["bytes"] == len(up.made[k]) and
               m["url"] == f"file://{up.state}/objects/{k}" for k, m in late.items())
    t.check("object messages tell key, URL, size and hash", good and late, late)
    t.check("it ends in order", up.stop() == 0, up.proc.tail())

    up = local(place, "killed").add(3000)
    for _ in range(4):
        up.start()
        rig.wait_for(lambda: "storing" in up.proc.output() and up.left() < 2900, "a beginning", 20, up.proc)
        up.proc.signal(signal.SIGKILL)
        up.proc.wait()
        up.add(700)
    up.start().wait_empty()
    up.stop()
    t.check("killed four times, every object is there once", objects(up) == up.made,
            f"{len(objects(up))} of {len(up.made)}")

    other = pathlib.Path("/dev/shm")
    if os.access(other, os.W_OK) and os.stat(other).st_dev != os.stat(place.dir).st_dev:
        there = other / f"lurker-test-{os.getpid()}"
        place.ends.append(lambda: __import__("shutil").rmtree(there, ignore_errors=True))
        up = local(place, "copied", directory=str(there)).add(50, 5000)
        up.start().wait_empty()
        up.stop()
        t.check("on another filesystem files are copied", objects(up, there) == up.made)

    up = local(place, "bounded", max_bytes="250KiB").add(20, 8192)
    up.start().wait_empty()
    for _ in range(2):
        up.n += 1000 - up.n % 1000  # the next hour
        up.add(20, 8192)
        up.wait_empty()
    # An hour is removed file by file, in no particular order.
    rig.wait_for(lambda: min(objects(up)) > sorted(up.made)[20], "the oldest hours to go", 10, up.proc)
    left, newest = objects(up), max(up.made)
    t.check("a full archive loses its oldest hours only",
            newest in left and sum(map(len, left.values())) <= 250 << 10 and left.items() <= up.made.items(),
            sorted(left)[:3])
    up.stop()

    up = local(place, "relative").add(3)
    proc = rig.Proc([rig.program("lurker-uploader"), "--state-dir", up.state.name, "--run-dir", f"{up.state.name}-run", "--user", ""],
                    "relative", place.dir / "relative.log", cwd=up.state.parent)
    rig.wait_for(lambda: not up.left(), "an empty queue", 20, proc)
    t.check("a relative state directory will do, in the sandbox", objects(up) == up.made and proc.stop() == 0 and
            f"destination=file://{up.state}/objects/" in proc.output(), proc.tail())

    up = local(place, "readonly").add(3)
    up.settings["directory"] = "/proc/lurker"
    up.start()
    t.check("a directory that cannot be made is said at the start", up.proc.wait(10) != 0 and
            re.search(r"cannot open.*what=/proc/lurker", up.proc.output()), up.proc.tail())
    t.check("and the queue is as it was", up.left() == 3)
