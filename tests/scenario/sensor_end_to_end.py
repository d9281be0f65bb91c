#!/usr/bin/python3
"""The demo's attacks and checks as a test: all services with their defaults, real clients, real packets."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import attacks
import records
import rig
import sensor as sensors

t = rig.Report("sensor_end_to_end")
rig.require(t, *attacks.COMMANDS, programs=["lurker", *(f"lurker-{s}" for s in sensors.SERVICES)])

with t, rig.Lab() as lab:
    wanted = attacks.Wanted(lab)
    sensor = sensors.Sensor(lab).start()
    dump, seen = lab.attacker.capture("tcp", "attacker")
    attacks.Attacks(lab).run()
    recs = attacks.wait_for_records(sensor, wanted)
    dump.stop()
    for text, good, detail in wanted.checks(recs, sensor.stored, [f for _, f, _ in records.packets(seen)]):
        t.check(text, good, detail)
    ids = [r["flow_id"] for r in recs]
    t.check("every record has an identity of its own", len(set(ids)) == len(ids), f"{len(ids)} / {len(set(ids))}")
    unstored = [r["s3path"] for r in recs if sensor.stored(r) is None]
    t.check("every record's capture file is there", not unstored, unstored[:5])
    t.check("the sensor ends in order when asked to", sensor.stop() == 0, sensor.up.tail())
