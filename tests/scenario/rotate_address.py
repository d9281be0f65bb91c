#!/usr/bin/python3
"""lurker rotate-address with a stand-in for EC2 that verifies signatures, and instance metadata: whatever happens,
one address remains, and no address of others is released."""

import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import cloud
import rig

t = rig.Report("rotate_address")
cloud.enter(t, gateway=False)
if subprocess.run(["/usr/bin/python3", "-c", "import botocore"], capture_output=True).returncode:
    t.skip("python3-botocore is not installed")
    sys.exit(0)
import ec2

OURS = {"lurker:sensor": "trap-1", "lurker:made-by": "rotate-address"}
CHANGES = {"AllocateAddress", "AssociateAddress", "ReleaseAddress", "CreateTags"}


class Sensor:
    """Runs the command with a state directory of its own. Credentials come from the instance's role."""

    def __init__(self, place, name, service, **env):
        self.service, self.state, self.run_dir = service, place.dir / name, place.dir / "run"
        self.log, self.proc = place.dir / f"{name}.log", None
        self.env = cloud.environment(None, LURKER_USER=rig.ACCOUNT, AWS_EC2_METADATA_DISABLED="false", **env)
        del self.env["AWS_DEFAULT_REGION"]
        service.kill = lambda: self.proc.signal(9)

    def start(self, *options):
        self.log.write_bytes(b"")
        self.proc = rig.Proc([rig.program("lurker"), "rotate-address", "--sensor", "trap-1", "--state-dir", self.state, "--run-dir",
                              self.run_dir, "--ec2-endpoint", self.service.url, *options], "rotate-address", self.log, env=self.env)
        return self

    def run(self, *options):
        """Returns (exit code, output)."""
        return self.start(*options).proc.wait(60), self.proc.output()

    def observed(self):
        path = self.state / "observed"
        return [x.split()[1:] for x in path.read_text().splitlines()] if path.exists() else []

    def alerts(self):
        return [json.loads(x) for p in sorted((self.state / "records" / "alert").glob("*")) for x in p.read_text().splitlines()]


def only(service, *others):
    """The sensor's address, if it is tagged as its own and no other exists except those named."""
    here = service.on_interface()
    return here[0] if len(here) == 1 and service.addresses[here[0]]["tags"] == OURS and \
        set(service.addresses) == {here[0], *others} else None


with t, cloud.Place() as place:
    place.dir.chmod(0o755)
    subprocess.run(["ip", "address", "add", "169.254.169.254/32", "dev", "lo"], check=True)
    service = ec2.Ec2(place)
    instance = cloud.Keys(place, "ASIATEMP", "TEMPSECRET", "TOKEN123", ("169.254.169.254", 80), ec2.metadata(service))
    sensor = Sensor(place, "sensor", service)

    code, said = sensor.run("--note")
    t.check("--note writes down the first address, and asks EC2 nothing", code == 0 and not service.calls and
            sensor.observed() == [[ec2.PRIVATE, "198.51.100.77"]], said)
    code, said = sensor.run("--dry-run")
    t.check("a dry run says what would be done", code == 0 and "would allocate an address" in said and "would associate" in said, said)
    t.check("and changes nothing", not CHANGES & set(service.calls) and not service.addresses and len(sensor.observed()) == 1)
    code, said = sensor.run()
    first = only(service)
    t.check("a first address is made with its tags, and associated", code == 0 and first, f"{said}{service.addresses}")
    t.check("by IMDSv2 and its role's credentials", all(x[2] == 200 for x in instance.asked), instance.asked)
    service.reset()
    code, said = sensor.run()
    second = only(service)
    t.check("the next run gives another address, and releases the one before", code == 0 and second and second != first,
            f"{said}{service.addresses}")
    t.check("with no call too many", service.calls == ["DescribeAddresses", "DescribeAddresses", "AllocateAddress",
                                                       "AssociateAddress", "ReleaseAddress"], service.calls)
    t.check("since when it is seen where is on disk", [x[1] for x in sensor.observed()] ==
            ["198.51.100.77", "203.0.113.1", "203.0.113.2"], sensor.observed())
    alerts = sensor.alerts()
    t.check("and in the alerts", [(a["kind"], a["prefix"]) for a in alerts] ==
            [("address", x[1]) for x in sensor.observed()] and "before at 203.0.113.1" in alerts[-1]["message"], alerts)

    person, other = service.add(), service.add({**OURS, "lurker:sensor": "trap-2"})
    elsewhere = service.add(OURS, "eni-0beef")
    strangers = (person, other, elsewhere)
    service.quota = 9
    cases = 0
    for kind in ("before", "after"):
        for n in range(9):
            leftovers = [service.add(OURS)] if n % 2 else []
            service.reset(lambda i, action: kind if i == n else None)
            code, said = sensor.run()
            killed = code == -9
            cases += killed
            if not killed:  # it had fewer calls to make
                continue
            if not service.on_interface():
                t.check(f"killed {kind} call {n}: the sensor has an address all the time", False, service.addresses)
            service.reset()
            code, said = sensor.run()
            if code or not only(service, *strangers) or sensor.observed()[-1][1] != service.addresses[only(service, *strangers)]["ip"]:
                t.check(f"killed {kind} call {n}: the next run repairs it", False, f"{code} {said}{service.addresses}")
    t.check(f"killed before and after every call ({cases} kills): the next run leaves exactly one address, and others' alone",
            cases >= 10 and only(service, *strangers), f"{cases} {service.addresses}")

    for kind in ("lost", "unsaid", "InternalError", "RequestLimitExceeded"):
        for n in range(5):
            service.reset(lambda i, action: kind if i == n else None)
            code, said = sensor.run()
            if code or not only(service, *strangers):
                t.check(f"{kind} at call {n}: repaired in the same run", False, f"{code} {said}{service.addresses}")
    t.check("a lost answer, a lost request, an error of EC2, throttling at every call: the same run gets it right",
            only(service, *strangers), service.addresses)

    service.reset()
    service.quota = len(service.addresses)
    before = only(service, *strangers)
    code, said = sensor.run()
    t.check("without room for another address it says so, and the old one stays", code == 1 and "EC2-VPC Elastic IPs" in said and
            "AddressLimitExceeded" in said and only(service, *strangers) == before, said)
    service.quota = 9
    for n, action in ((2, "AllocateAddress"), (3, "AssociateAddress"), (4, "ReleaseAddress")):
        service.reset(lambda i, a: "UnauthorizedOperation" if i == n else None)
        code, said = sensor.run()
        t.check(f"{action} is not allowed: said, with what the role needs", code == 1 and "RotationPolicy" in said and
                service.calls[n] == action and len(service.on_interface()) == 1, said)
        service.reset()
        code, said = sensor.run()
        t.check(f"{action}: and repaired when it is", code == 0 and only(service, *strangers), said)

    wrong = Sensor(place, "sensor", service)
    wrong.env.update(AWS_ACCESS_KEY_ID=cloud.KEY, AWS_SECRET_ACCESS_KEY="WRONG")
    before = dict(service.addresses)
    service.reset()
    code, said = wrong.run()
    t.check("a wrong secret is refused, said, and nothing changes", code == 1 and "AuthFailure" in said and
            service.addresses == before and set(service.calls) == {"DescribeAddresses"}, said)

    held = Sensor(place, "sensor", service)
    service.reset(lambda i, action: "hang" if action == "AllocateAddress" else None)
    held.start()
    rig.wait_for(lambda: "AllocateAddress" in service.calls, "a run that is at work", 10, held.proc)
    second = Sensor(place, "sensor", service)
    second.log = place.dir / "second.log"
    code, said = second.run()
    t.check("a second run at the same time is refused", code == 1 and "another run is in progress" in said, said)
    service.go.set()
    t.check("and does not disturb the first", held.proc.wait(60) == 0 and only(service, *strangers), held.proc.output())

    theirs = ec2.Ec2(place)
    mine = theirs.add({"Name": "bought <by> hand"}, ec2.INTERFACE)
    instance.metadata = ec2.metadata(theirs)
    sensor = Sensor(place, "adopting", theirs)
    code, said = sensor.run()
    t.check("an address that a person made is kept, and named", code == 0 and mine in theirs.addresses and only(theirs, mine) and
            f"{mine}) was not allocated by lurker" in said, said)
    t.check("and is in the history", [x[1] for x in sensor.observed()] == ["203.0.113.1", "203.0.113.2"], sensor.observed())
    theirs = ec2.Ec2(place)
    mine = theirs.add({}, ec2.INTERFACE)
    instance.metadata = ec2.metadata(theirs)
    code, said = Sensor(place, "adopting", theirs).run("--adopt")
    t.check("--adopt takes it for lurker's own, and releases it", code == 0 and only(theirs) and mine not in theirs.addresses, said)

    away = Sensor(place, "away", theirs, AWS_EC2_METADATA_SERVICE_ENDPOINT="http://127.0.0.1:9")
    code, said = away.run()
    t.check("where there are no metadata it says what to give", code == 1 and "--interface-id" in said, said)
    away.env.update(AWS_ACCESS_KEY_ID=cloud.KEY, AWS_SECRET_ACCESS_KEY=cloud.SECRET, AWS_REGION="eu-central-1")
    code, said = away.run("--interface-id", ec2.INTERFACE, "--private-addr", ec2.PRIVATE)
    t.check("and works with that", code == 0 and only(theirs) and len(away.observed()) == 2, said)
    code, said = away.run("--interface-id", "eth0")
    t.check("an interface that is none is refused", code == 2 and "eni-" in said, said)
    code, said = Sensor(place, "nowhere", theirs).run("--ec2-endpoint", "http://127.0.0.1:9", "--interface-id", "eni-1")
    t.check("an EC2 that cannot be reached is said", code == 1 and "addresses cannot be looked up" in said, said)
