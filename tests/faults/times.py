"""The clock of a running sensor is set: an hour ahead, an hour back, over the end of 32 bits in 2038, and right again.

Every service but capture has a clock that the test sets (fakeclock.c): capture's packets are stamped by the kernel, whose
clock a test must not touch. What becomes of stamps that jump is odd-clocks.
"""

import pathlib
import shutil
import struct
import subprocess
import time

import pipeline  # sets the path to the rig
import live
import rig
import sensor as sensors

END_OF_32_BITS = 2**31


class Clock:
    """Programs of a directory, each under a clock that set() sets."""

    def __init__(self, place):
        self.bin, self.file, shim = place / "bin", place / "clock", place / "fakeclock.so"
        subprocess.run(["cc", "-O2", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", shim, pathlib.Path(__file__).with_name("fakeclock.c")],
                       check=True)
        self.file.write_bytes(bytes(8))
        self.bin.mkdir()
        for program in rig.BIN.iterdir():
            if program.name in ("lurker", "lurker-capture"):
                shutil.copy(program, self.bin)  # `lurker up` looks for services beside the file that it is
                continue
            (self.bin / program.name).write_text(
                f"#!/bin/sh\nexport LD_PRELOAD={shim} FAKE_CLOCK={self.file}\nexec {program} \"$@\"\n")
            (self.bin / program.name).chmod(0o755)

    def set(self, offset):
        with open(self.file, "r+b") as f:
            f.write(struct.pack("q", offset))


def steps(case, short):
    seconds = 4 if short else 15
    offsets = {"right": 0, "an hour ahead": 3600, "an hour back": -3600,
               "into 2038": int(END_OF_32_BITS - time.time() - 3.5 * seconds), "right again": 0}
    with rig.Lab() as lab:
        clock = Clock(lab.dir)
        watch = live.Live(lab, program=clock.bin / "lurker")
        watch.talk(int(seconds * len(offsets) * 10), 0.1)
        stamps = {}
        pids = watch.sensor.pids()
        for name, offset in offsets.items():
            clock.set(offset)
            rig.wait_for(lambda x=offset: abs(watch.sensor.bus.clock("analyzer") - time.time() - x) < 5, f"a clock {name}", 10)
            before = {s: watch.sensor.bus.stat(s) for s in sensors.SERVICES}
            time.sleep(seconds)
            still = [s for s in sensors.SERVICES if watch.sensor.bus.stat(s) == before[s]]
            case.require(not still, f"{name}: {still} publish nothing")
            stamps[name] = watch.sensor.bus.clock("analyzer")
            case.times += 1
        case.require(stamps["into 2038"] > END_OF_32_BITS, f"2038 was not reached: {stamps}")
        case.require(watch.sensor.pids() == pids, "a service was restarted\n" + watch.sensor.up.tail())
        watch.client.stop()
        watch.finish(case, whole=True)
        days = sorted(p.name for p in (lab.state / "records" / "analysis").iterdir())
        case.note(f"{len(watch.sent())} connections; days of records: {', '.join(days)}")


CASES = {"time-steps": steps}
