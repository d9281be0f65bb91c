"""Tests the whole sensor under traffic while its services are killed, stopped and started."""

import json
import os
import random
import re
import signal
import time

import pipeline  # sets the path to the rig
import measure
import records
import rig
import sensor as sensors
import talk

PORT = 7070
LIB = rig.ROOT / "tests" / "scenario" / "lib"
ENDED = re.compile(r"service ended name=(\S+) pid=(\d+) (\w+=\d+)")


class Live:
    """A sensor in a Lab, and clients that connect to it, each with a text of its own.

    under, program: as of Sensor.start. distinct: whether to look for records that came twice, which takes
    memory for each."""

    def __init__(self, lab, settings=None, under=(), program=None, distinct=True):
        self.lab = lab
        self.sensor = sensors.Sensor(lab, settings).start(under=under, program=program)
        self.client = None
        self.follower = records.Follower(lab.state)
        self.records = self.twice = 0
        self.ids = set() if distinct else None
        self.stored = {}  # number of a connection: where its packets are
        self.unseen = set()  # connections that nobody could see: capture was stopped
        self.killed = set()  # (service, process) that we killed

    def talk(self, connections, interval):
        self.client = self.lab.attacker.start(
            ["/usr/bin/python3", LIB / "talk.py", connections, interval, PORT,
             *(self.lab.host(n) for n in range(50, 90))], name="talk")

    def sent(self):
        return {int(n) for n in re.findall(r"^sent (\d+)", self.client.output(), re.M)} if self.client else set()

    def holes(self):
        """The holes that capture reported."""
        return [a for a in self.sensor.records("alert") if a["kind"] == "hole"]

    def judge_holes(self, case):
        """Each kill of capture is one hole with its times and what the interface counted meanwhile; what was sent in it could not be
        seen. All other connections must be there."""
        holes = self.holes()
        kills = sum(service == "capture" for service, _ in self.killed)
        case.require(len(holes) == kills, f"capture was killed {kills} times, holes: {holes}")
        talks = [(int(n), float(begin) * 1e9, float(end) * 1e9)
                 for n, begin, end in re.findall(r"^sent (\d+) (\S+) (\S+)", self.client.output(), re.M)]
        counted = 0
        for hole in holes:
            begins, ends = hole["from_ns"], hole["to_ns"]
            case.require(0 < begins < ends, f"a hole: {hole}")
            self.unseen |= {n for n, begin, end in talks if begin <= ends and end >= begins}
            if any(begins <= begin <= ends - 1e8 for _, begin, _ in talks):
                case.require(hole.get("rx_packets") and hole.get("tx_packets"), f"not counted by the interface: {hole}")
                counted += 1
        case.require(counted or not holes, "no hole in which a connection began")

    def shoot(self, service):
        """Sends SIGKILL to a service, as soon as it runs."""
        pid = rig.wait_for(lambda: self.sensor.pids().get(service), f"{service}, to kill it", 30, self.sensor.up)
        self.killed.add((service, pid))
        os.kill(pid, signal.SIGKILL)

    def kill(self, *services):
        """Kills services, all at once; seconds until each publishes again."""
        before = {s: self.sensor.bus.starts(s) for s in services}
        for s in services:
            self.shoot(s)
        begin = time.monotonic()
        rig.wait_for(lambda: all(self.sensor.bus.starts(s) > n for s, n in before.items()), f"{services} again", 30, self.sensor.up)
        return time.monotonic() - begin

    def judge_ends(self, case):
        """`lurker up` starts again what ended, and says how it ended: every end must be a kill of ours, and every kill an end."""
        ends = {(name, int(pid), how) for name, pid, how in ENDED.findall(self.sensor.up.output())}
        ours = {(*killed, f"signal={signal.SIGKILL.value}") for killed in self.killed}
        case.require(ends <= ours, f"services ended by themselves: {sorted(ends - ours)}")
        case.require(ours <= ends, f"kills that ended nothing: {sorted(ours - ends)}")

    def look(self):
        """Reads the records that were written since the last call."""
        port = b'"dst_port":%d,' % PORT
        for line in self.follower.lines():
            self.records += 1
            if self.ids is not None:
                mark = line.index(b'"flow_id":"') + 11
                mark = line[mark:mark + 32]
                self.twice += mark in self.ids
                self.ids.add(mark)
            if port in line:
                r = json.loads(line)
                number = re.match(rb"connection (\d+) ", records.payload(r))
                if number and records.payload(r) == talk.text(int(number[1])):
                    self.stored[int(number[1])] = r["s3path"]

    def missing(self):
        """Connections whose text was sent and stands, whole, in no record."""
        self.look()
        return self.sent() - self.stored.keys() - self.unseen

    def finish(self, case, whole):
        """Waits for the records of all that was sent (whole), ends the sensor, draws the balance."""
        if self.client:
            rig.wait_for(lambda: self.client.poll() is not None, "the end of the connections", 60)
        if whole:
            try:
                rig.wait_for(lambda: not self.missing(), "records of all connections", 60, self.sensor.up)
            except rig.Timeout:
                case.complain(f"no record of connections {sorted(self.missing())[:10]}")
            case.lost += len(self.missing())
        case.require(self.sensor.stop() == 0, "a service did not end in order:\n" + self.sensor.up.tail())
        self.judge_ends(case)
        self.look()
        case.duplicated += self.twice
        audit = self.lab.sensor.run([rig.program("lurker"), "audit", "-c", self.sensor.config], timeout=900, check=False)
        case.require(audit.returncode == 0, audit.stdout + audit.stderr)
        return audit.stdout


def lasting(pid, state):
    """How many descriptors a process has, without those of files in spool, journal and archive: these come and go with the traffic."""
    passing = tuple(f"{state}/{name}/" for name in ("spool/tmp", "spool/queue", "journal", "objects"))
    count = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            count += not os.readlink(f"/proc/{pid}/fd/{fd}").startswith(passing)
        except FileNotFoundError:
            continue  # closed meanwhile
    return count


def memory(sensor):
    """{service: (resident bytes without packet rings, lasting descriptors)}."""
    out = {}
    for service, pid in sensor.pids().items():
        try:
            out[service] = (measure.pss(pid)[0], lasting(pid, sensor.lab.state))
        except OSError:
            continue
    return out


def random_kills(case, services, times):
    """Kills all services at once, then each once, then random ones."""
    rnd = random.Random(4711)
    with rig.Lab() as lab:
        live = Live(lab)
        live.talk((times + 10) * 100, 0.1)  # more than there is time for
        rig.wait_for(live.sent, "a connection", 20, live.sensor.up)
        waits = []
        for kill in [services, *([s] for s in services), *([rnd.choice(services)] for _ in range(times))]:
            time.sleep(rnd.uniform(0, 0.3))
            waits.append(live.kill(*kill))
        live.client.stop()
        rig.wait_for(lambda: live.look() or live.records, "a record", 20, live.sensor.up)
        case.times = len(live.killed)
        case.recovered = max(waits)
        case.require(case.recovered <= 5, f"a service needed {case.recovered:.1f} s to come back")
        live.judge_holes(case)
        live.finish(case, whole=True)
        case.require(live.sent() - live.unseen, "no connection was outside the holes")
        case.note(f"{len(live.sent())} connections, {len(live.unseen)} of them in {len(live.holes())} holes, "
                  f"{len(live.unseen & live.stored.keys())} of which are stored all the same; {live.records} records")


def times(case, short):
    return 0 if short else 1000 if case.long else 100


CASES = {
    "kills-at-random": lambda case, short: random_kills(case, [s for s in sensors.SERVICES if s != "capture"], times(case, short)),
    "kills-capture-too": lambda case, short: random_kills(case, sensors.SERVICES, times(case, short) // 2),
}
