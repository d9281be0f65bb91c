#!/usr/bin/python3
"""The Python subscriber of the README, as it stands there, against a live sensor."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import attacks
import rig
import sensor as sensors

t = rig.Report("readme_subscriber")
rig.require(t, "curl", "unshare", programs=["lurker", *(f"lurker-{s}" for s in sensors.SERVICES)])

# /run belongs to the machine: the script sees the Lab's sockets there, in a mount namespace of its own.
IN_PLACE = """set -e
mount -t tmpfs none /run
mkdir /run/lurker
mount --bind "$1" /run/lurker
exec /usr/bin/python3 -u "$2"
"""

with t:
    found = re.search(r"^```python\n(.*?)^```$", (rig.ROOT / "README.md").read_text(), re.M | re.S)
    t.check("the README has a subscriber in Python", found)
    lines = [x for x in found[1].splitlines() if x.strip()]
    t.check("in under ten lines", len(lines) < 10, len(lines))
    with rig.Lab() as lab:
        script = lab.dir / "subscriber.py"
        script.write_text(found[1])
        sensor = sensors.Sensor(lab).start()
        sub = lab.sensor.start(["unshare", "-m", "--propagation", "private", "sh", "-c", IN_PLACE, "sh", lab.run_dir,
                                script], name="subscriber")
        hit = 0

        def printed():
            """PUB/SUB tells nobody when a subscription is there, so requests go out until one is printed."""
            global hit
            hit += 1
            attacks.Attacks(lab).curl("-m", "1", f"http://{lab.host(77)}:4711/hit-{hit}")
            return "hit-" in sub.output() or None
        rig.wait_for(printed, "a record printed by the subscriber", 40, sub)
        line = next(x for x in sub.output().splitlines() if "hit-" in x)
        t.check("it prints who sent what to which port", lab.attacker_addr in line and "4711" in line, line)
        sub.stop()
