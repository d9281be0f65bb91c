#!/usr/bin/python3
"""Boots a sensor from its user data: runs the script of deploy/aws/sensor.yml on a fresh Debian 12. The script gets
the role's credentials from the instance metadata, and the package from the bucket, over TLS and signed. The data
that attackers send to the sensor arrives in the same bucket.

Stand-ins replace the metadata service, the bucket (which verifies signatures) and `swapon`, which would change
this machine. The packages that the script installs with apt are preinstalled, as the machine has no network.

Needs root, mmdebstrap, systemd-nspawn, and network for apt. Takes some minutes."""

import hashlib
import http.server
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import threading

from machine import ADDRESS, PEER, PROGRAMS, Machine, Root, make_package, run

import cloud  # its place is known from here on
import cloudformation
import ec2
import endpoint
import rig

REGION, SUFFIX, PACKAGE = "eu-central-1", "amazonaws.com", "packages/lurker.deb"
BUCKET = "imported"  # as cloudformation.resolve has it
HOST = f"{BUCKET}.s3.{REGION}.{SUFFIX}"
ROLE = ("ASIAROLE", "ROLESECRET", "ROLETOKEN")
REST = ("analyzer", "logptn")  # masked
RUN = tuple(s for s in rig.services.DEFAULT if s not in REST)
UNIT = """[Unit]
After=network-online.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/bash /root/user-data
"""

t = rig.Report("user_data")
rig.require(t, *PROGRAMS, "curl", "openssl")


class Bucket:
    """Of one name, over TLS; takes and gives objects to whom the role's credentials signed for."""

    def __init__(self, place, address, certificate, key):
        self.objects, self.refused = {}, []
        handler = endpoint.handler_class(self.answer)
        handler.do_PUT = handler.do_POST
        server = http.server.ThreadingHTTPServer(address, handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place.ends.append(server.shutdown)

    def answer(self, handler, body):
        why = endpoint.verify(handler, body, {ROLE[0]: ROLE[1:]})
        if why or handler.headers["Host"] != HOST:
            self.refused.append((handler.command, handler.headers["Host"], handler.path, why))
            return 403, f"<Error><Code>{why}</Code></Error>", {}
        key = handler.path[1:]
        if handler.command == "PUT":
            self.objects[key] = body
            return 200, "", {}
        return (200, self.objects[key], {}) if key in self.objects else (404, "<Error><Code>NoSuchKey</Code></Error>", {})


def script(package):
    template = cloudformation.load(rig.ROOT / "deploy/aws/sensor.yml")
    data = template["Resources"]["LaunchTemplate"]["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"]
    names = {"AWS::Region": REGION, "AWS::URLSuffix": SUFFIX, "AWS::StackName": "trap", "SensorName": "trap-1",
             "PackageKey": PACKAGE, "PackageSha256": hashlib.sha256(package.read_bytes()).hexdigest(), "SshPort": "64222",
             "RotateCalendar": "weekly"}
    return cloudformation.resolve(data, names, {"Ssh", "Rotation"})


def fresh(place, package):
    """A root as the provider's image is: with ssh, and here with what the script would fetch."""
    root = Root(place, "curl", "jq", "unattended-upgrades", "openssh-server")
    shutil.copy(package, root.path / "lurker.deb")
    shutil.copy("/etc/resolv.conf", root.path / "etc/resolv.conf")
    root.sh("apt-get -q update; apt-get -q -y install --no-install-recommends /lurker.deb; dpkg -P lurker; rm /lurker.deb; "
            "rm -rf /etc/apt/sources.list.d/*; : >/etc/apt/sources.list")
    root.wire()
    with open(root.path / "etc/hosts", "a", encoding="utf-8") as hosts:
        hosts.write(f"127.0.0.1 localhost\n{PEER} {HOST}\n")
    authority = root.path / "usr/local/share/ca-certificates/test.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={SUFFIX}",
                    "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", place / "key.pem", "-out", authority],
                   check=True, capture_output=True)
    root.sh("update-ca-certificates")
    stub = root.path / "usr/local/sbin/swapon"
    stub.write_text("#!/bin/sh\ntest -s \"$1\"\n")
    stub.chmod(0o755)
    (root.path / "root/user-data").write_text(script(package))
    (root.path / "etc/systemd/system/user-data.service").write_text(UNIT)
    return root, authority


def becomes_a_sensor(machine, bucket):
    machine.sh("systemctl start --no-block user-data.service")
    state = rig.wait_for(lambda: (x := machine.sh("systemctl is-active user-data.service").strip()) in ("active", "failed") and x,
                         "the end of the script", 180)
    log = machine.sh("cat /var/log/lurker-setup.log")
    t.check("the script ends well", state == "active", log[-3000:])
    t.check("nothing that it signed was refused", not bucket.refused, bucket.refused)
    try:
        rig.wait_for(lambda: machine.all_active(RUN), "the sensor's services", 30)
        t.check(f"it runs {', '.join(RUN)}", True)
    except rig.Timeout:
        t.check(f"it runs {', '.join(RUN)}", False, log[-2000:] + machine.sh("journalctl -b --no-pager -u 'lurker*' | tail -40"))
    t.check(f"and not {', '.join(REST)}", "active" not in machine.states(REST), machine.states(REST))
    enabled = machine.sh("systemctl is-enabled lurker.target lurker-rotate-address.timer").split()
    t.check("they start again with the machine, and so does the rotation", enabled == ["enabled"] * 2, enabled)
    t.check("ssh listens where it was told", ":64222 " in machine.sh("ss -Hltn") and ":22 " not in machine.sh("ss -Hltn"),
            machine.sh("ss -Hltn"))


def takes_attacks(machine, bucket):
    machine.attack(["curl", "-s", "-m", "2", f"http://{ADDRESS}:8080/cgi-bin/first"])
    banner = machine.attack(["curl", "-s", "-m", "3", f"telnet://{ADDRESS}:64222"]).stdout
    t.check("the operator's ssh answers on its port", banner.startswith("SSH-2.0-OpenSSH"), banner)
    rig.wait_for(lambda: any(b"/cgi-bin/first" in data for data in list(bucket.objects.values())), "the attack in the bucket", 150)
    keys = [k for k, data in bucket.objects.items() if b"/cgi-bin/first" in data]
    t.check("an attack is an object of the bucket, below the sensor's name", keys and all(
        k.startswith("sensors/trap-1/pcap/") and k.endswith("_8080.pcap") for k in keys), keys)
    t.check("nothing was refused", not bucket.refused, bucket.refused)
    t.check("no unit failed", not machine.sh("systemctl --failed --no-legend").strip(), machine.sh("systemctl --failed --no-legend"))


def main():
    place = pathlib.Path(tempfile.mkdtemp(prefix="lurker-userdata-", dir="/var/tmp"))
    machine = None
    try:
        with cloud.Place() as stand_ins:
            package = make_package(place)
            root, authority = fresh(place, package)
            machine = Machine(root, place)
            run(["ip", "-n", machine.netns, "addr", "add", "169.254.169.254/32", "dev", machine.veth])
            metadata = ec2.metadata(ec2.Ec2(stand_ins))
            machine.beside(lambda: cloud.Keys(stand_ins, *ROLE, ("169.254.169.254", 80), metadata))
            bucket = machine.beside(lambda: Bucket(stand_ins, (PEER, 443), authority, place / "key.pem"))
            bucket.objects[PACKAGE] = package.read_bytes()
            rig.wait_for(lambda: machine.sh("systemctl is-system-running").strip() in ("running", "degraded"), "the boot", 60)
            becomes_a_sensor(machine, bucket)
            takes_attacks(machine, bucket)
    finally:
        if machine:
            machine.close()
        shutil.rmtree(place, ignore_errors=True)
    t.finish()


with t:
    main()
