#!/usr/bin/python3
"""Tests the Debian package in a clean root (installed, upgraded over itself, removed, purged), and its units in a
booted system: active, sandboxed, attacked through a veth, restarted after a kill.

Needs root, mmdebstrap, systemd-nspawn, and network for apt. Takes a minute or two."""

import json
import pathlib
import re
import shutil
import tempfile

from machine import ADDRESS, PROGRAMS, Machine, Root, make_package, run

import rig  # its place is known from here on

SERVICES = list(rig.services.DEFAULT)
CONFIG = """sensor: boot
capture:
  host_ports: [none]
responder:
  host_ports: [none]
flowagg:
  idle_timeout_s: 2
"""

t = rig.Report("systemd")
rig.require(t, *PROGRAMS, "systemd-analyze", "lintian", "curl", "nft")


def units_are_tight(place):
    made = place / "build" / "packaging" / "systemd"
    for unit in sorted([*(rig.ROOT / "packaging" / "systemd").glob("*.service"), *made.glob("*.service")]):
        r = run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit], check=False)
        level = re.search(r"Overall exposure level for \S+: ([\d.]+)", r.stdout)
        t.check(f"{unit.name}: exposure {level.group(1) if level else '?'} is below 2.0",
                level and float(level.group(1)) < 2.0, r.stdout[-1500:])


def package_comes_and_goes(root, package):
    shutil.copy(package, root.path / "lurker.deb")
    shutil.copy("/etc/resolv.conf", root.path / "etc/resolv.conf")
    root.sh("apt-get -q update; apt-get -q -y install --no-install-recommends /lurker.deb")
    t.check("package: installed, with its account", "uid=" in root.sh("id lurker").stdout)
    t.check("package: every program runs",
            root.sh("lurker --version; logptn --help >/dev/null; for s in " + " ".join(SERVICES) +
                    "; do [ ! -x /usr/bin/lurker-$s ] || lurker-$s --version; done").returncode == 0)
    t.check("package: nothing was started or enabled",
            not root.has("etc/systemd/system/multi-user.target.wants/lurker.target"))
    config = root.path / "etc/lurker/lurker.yml"
    config.write_text(config.read_text() + "# the operator's word\n")
    (root.path / "var/lib/lurker/kept").write_text("x")
    root.sh("dpkg -i /lurker.deb")
    t.check("package: an upgrade keeps configuration and state",
            "operator's word" in config.read_text() and root.has("var/lib/lurker/kept"))
    root.sh("dpkg -r lurker")
    t.check("package: removed, it leaves configuration and state, and no program",
            config.exists() and root.has("var/lib/lurker/kept") and not root.has("usr/bin/lurker"))
    root.sh("dpkg -P lurker")
    t.check("package: purged, it leaves nothing", not root.has("etc/lurker") and not root.has("var/lib/lurker"))
    root.sh("dpkg -i /lurker.deb")


def records(machine):
    text = machine.sh("cat /var/lib/lurker/records/analysis/*.jsonl 2>/dev/null")
    return [json.loads(line) for line in text.splitlines()]


def seen(machine, word):
    return any(word in r["readable"] for r in records(machine))


def units_work(machine):
    try:
        rig.wait_for(lambda: machine.all_active(SERVICES), "all units", 60)
        t.check("boot: every unit is active", True)
    except rig.Timeout:
        t.check("boot: every unit is active", False, machine.sh("systemctl --no-pager status 'lurker*'; journalctl -b --no-pager | tail -40"))
        return
    for s in SERVICES:
        status = machine.sh(f"cat /proc/$(systemctl show -p MainPID --value lurker-{s})/status")
        field = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        t.check(f"boot: {s} has its own account, no capability, seccomp",
                field.get("Uid", "0").split()[0] != "0" and int(field.get("CapEff", "1"), 16) == 0 and
                int(field.get("CapPrm", "1"), 16) == 0 and field.get("Seccomp") == "2" and field.get("NoNewPrivs") == "1", status)
    machine.attack(["curl", "-s", "-m", "2", f"http://{ADDRESS}:8081/first"])
    rig.wait_for(lambda: seen(machine, "/first"), "the first record", 30)
    t.check("boot: an attack through the veth becomes a record", True)
    machine.sh("echo 1 >/proc/sys/net/ipv4/ip_forward")
    nft = ["nsenter", "-t", machine.leader()[0], "-n", "nft", "list", "table", "inet", "lurker"]
    rig.wait_for(lambda: "chain tracked" in run(nft, check=False).stdout, "rules of a host that forwards", 20)
    t.check("boot: the responder sees that the host forwards", True)
    machine.sh("systemctl start lurker-metrics")
    ask = "exec 3<>/dev/tcp/127.0.0.1/9177; printf 'GET /metrics HTTP/1.1\\r\\n\\r\\n' >&3; cat <&3"
    told = rig.wait_for(lambda: (x := machine.sh(f'bash -c "{ask}"')) and all(
        f'lurker_up{{sensor="boot",service="{s}"}} 1\n' in x for s in SERVICES) and x, "metrics of every service", 20)
    t.check("boot: lurker-metrics tells of every service", True)
    t.check("boot: and of the disk", "lurker_state_free_bytes" in told and "lurker_queue_oldest_seconds" in told, told[-2000:])
    for s in SERVICES:
        before = machine.sh(f"systemctl show -p MainPID --value lurker-{s}").strip()
        machine.sh(f"kill -KILL {before}")
        rig.wait_for(lambda: machine.sh(f"systemctl is-active lurker-{s}").strip() == "active" and
                     machine.sh(f"systemctl show -p MainPID --value lurker-{s}").strip() not in ("0", before), f"{s} again", 20)
        t.check(f"boot: {s} is restarted after a kill", True)
    machine.attack(["curl", "-s", "-m", "2", f"http://{ADDRESS}:9999/second"])
    rig.wait_for(lambda: seen(machine, "/second"), "the second record", 30)
    t.check("boot: after all the kills an attack still becomes a record", True)
    t.check("boot: nothing of the first is lost", seen(machine, "/first"))
    machine.sh("systemctl stop lurker.target")
    rig.wait_for(lambda: "active" not in machine.states(SERVICES), "all units to stop", 30)
    t.check("boot: the target stops all of them", True)
    t.check("boot: no unit failed", not machine.sh("systemctl --failed --no-legend 'lurker*'").strip(),
            machine.sh("systemctl --no-pager --failed; journalctl -b --no-pager -p warning | tail -20"))


def main():
    place = pathlib.Path(tempfile.mkdtemp(prefix="lurker-systemd-", dir="/var/tmp"))
    machine = None
    try:
        package = make_package(place)
        units_are_tight(place)
        lint = run(["lintian", "--fail-on", "error,warning", "--allow-root", package], check=False)
        t.check("package: lintian has nothing to say", lint.returncode == 0, lint.stdout + lint.stderr)
        t.note(f"package is {package.stat().st_size // 1024} KiB")
        root = Root(place)
        package_comes_and_goes(root, package)
        (root.path / "etc/lurker/lurker.yml").write_text(CONFIG)
        root.wire("lurker.target")
        SERVICES[:] = [s for s in SERVICES if root.has(f"usr/bin/lurker-{s}")]
        machine = Machine(root, place)
        units_work(machine)
    finally:
        if machine:
            machine.close()
        shutil.rmtree(place, ignore_errors=True)
    t.finish()


with t:
    main()
