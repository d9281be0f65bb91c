"""The clock of a running sensor is set: an hour ahead, an hour back, past the end of 32 bits in 2038, and right
again.

The test sets the clock of every service (fakeclock.c). The kernel stamps capture's packets, and a test must not
touch the kernel's clock: ticks and states jump, packets do not. The case odd-clocks covers timestamps that jump.
"""

import time

import pipeline
import live
import rig
import sensor as sensors

END_OF_32_BITS = 2**31


def steps(case, short):
    seconds = 2 if short else 15
    offsets = {"right": 0, "an hour ahead": 3600, "an hour back": -3600,
               "into 2038": int(END_OF_32_BITS - time.time() - 3.5 * seconds), "right again": 0}
    with rig.Lab() as lab:
        clock = pipeline.Shim("fakeclock", lab.dir, rig.services.DEFAULT)
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
