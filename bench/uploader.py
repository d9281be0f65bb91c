#!/usr/bin/python3
"""Compares lurker-uploader with `aws s3 cp --recursive`: the same files, to the same radosgw, one after the
other in the same run.

For each size, the two take turns. Time is from the start of the process to the last stored object; CPU and
memory are those of the process. The gateway uses the same cores and limits both, so its CPU time is shown
too.
"""

import json
import os
import pathlib
import signal
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "scenario" / "lib"))
import cloud
import rig

ROUNDS = 3
SIZES = (("1 KB", 1000, 2000), ("1 MB", 1 << 20, 60))


def memory(pid):
    """Peak resident memory, and the current private memory (without mapped libraries), in bytes. (The peak that
    wait4 reports would include the parent's memory at the fork.)"""
    rows = {}
    try:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            rows[name] = value.split()
        return int(rows["VmHWM"][0]) * 1024, int(rows["RssAnon"][0]) * 1024
    except (OSError, KeyError):
        return 0, 0


def gone(paths):
    """Whether all files are gone; each call checks only until the first that is still there."""
    left = list(paths)

    def look():
        while left and not left[-1].exists():
            left.pop()
        return not left
    return look


def measure(rgw, argv, env, log, finished=None):
    """Runs argv to its end, or until finished() and SIGTERM: seconds, CPU seconds, peak memory, own memory,
    the gateway's CPU."""
    before, start = rgw.cpu(), time.monotonic()
    with open(log, "ab") as out:
        pid = os.posix_spawn(argv[0], [str(a) for a in argv], env, file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_DUP2, out.fileno(), 1),
            (os.POSIX_SPAWN_DUP2, out.fileno(), 2)])
    took, peak, own = None, 0, 0
    while True:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            break
        peak, own = map(max, zip((peak, own), memory(pid)))
        if finished and took is None and finished():
            took = time.monotonic() - start
            os.kill(pid, signal.SIGTERM)
        time.sleep(0.02)
    took = took or time.monotonic() - start
    if status:
        raise rig.Failed(f"{argv[0]}: status {status}\n{pathlib.Path(log).read_text()[-2000:]}")
    return took, usage.ru_utime + usage.ru_stime, peak, own, rgw.cpu() - before


def one_round(place, rgw, label, size, count, number):
    """Measures both, and compares the stored objects with the files."""
    up = cloud.Uploader(place, f"up-{size}-{number}").add(count, size)
    up.config.write_text(cloud.sensor.yaml({"sensor": "lab", "state_dir": str(up.state), "run_dir": str(up.run_dir),
                                            "user": "", "uploader": up.settings}))
    log = place.dir / "bench.log"
    ours = measure(rgw, [rig.program("lurker-uploader"), "-c", up.config], up.env, log,
                   gone(up.queue / key for key in up.made))
    tree = place.dir / f"tree-{size}-{number}"
    for key, data in up.made.items():
        path = tree / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    theirs = measure(rgw, [*cloud.AWS, "--endpoint-url", cloud.HTTP, "s3", "cp", "--recursive", "--quiet", tree,
                           f"s3://{cloud.BUCKET}/aws-{size}-{number}"], cloud.environment(), log)
    if number == 0 and not rgw.fetch(f"{up.name}/") == rgw.fetch(f"aws-{size}-{number}/") == up.made:
        raise rig.Failed(f"{label}: the objects differ from the files")
    return ours, theirs


def main():
    report = rig.Report("uploader")
    cloud.enter(report)
    with cloud.Place() as place:
        rgw = cloud.Radosgw(place)
        print(f"{'':6} {'':16} {'objects/s':>10} {'MB/s':>8} {'CPU ms/object':>14} {'memory':>9} {'its own':>9} {'gateway CPU':>12}")
        for label, size, count in SIZES:
            rounds = [one_round(place, rgw, label, size, count, n) for n in range(ROUNDS)]
            best = [min(r[i] for r in rounds) for i in (0, 1)]  # the least disturbed of each
            for name, (took, cpu, peak, own, gateway) in zip(("lurker-uploader", "aws s3 cp"), best):
                row = {"bench": "uploader", "store": name, "object_bytes": size, "objects": count,
                       "objects_per_s": round(count / took, 1), "mb_per_s": round(count * size / took / 1e6, 2),
                       "cpu_ms_per_object": round(cpu / count * 1e3, 3), "rss_bytes": peak, "own_bytes": own,
                       "gateway_cpu_share": round(gateway / took, 2)}
                print(f"{label:6} {name:16} {row['objects_per_s']:10} {row['mb_per_s']:8} "
                      f"{row['cpu_ms_per_object']:14} {peak / 1e6:6.1f} MB {own / 1e6:6.1f} MB {row['gateway_cpu_share']:12.0%}")
                print(json.dumps(row))
            (a, b) = best
            ratio = {"bench": "uploader", "ratio": "lurker-uploader : aws s3 cp", "object_bytes": size,
                     "objects_per_s": round(b[0] / a[0], 2), "cpu": round(a[1] / b[1], 3), "memory": round(a[2] / b[2], 3), "own_memory": round(a[3] / b[3], 3)}
            print(f"{label:6} {'ratio':16} {ratio['objects_per_s']:9}x {'':8} {ratio['cpu']:13}x {ratio['memory']:8}x {ratio['own_memory']:8}x")
            print(json.dumps(ratio), flush=True)


if __name__ == "__main__":
    main()
