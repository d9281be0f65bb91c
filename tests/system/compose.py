#!/usr/bin/python3
"""Tests the shipped Dockerfile and compose file on a real Docker engine: build, `up -d --wait`, attacks from another
container, capture files and records, containers killed one by one with nothing lost, `down -v`.

The engine runs only for this test, with its own folders. It builds the image with the machine's network, then
restarts in a network namespace, so that the sensor's "host" is not the real one.

Needs root, dockerd (docker.io), mmdebstrap, and a network for apt. Uses the CLI plugins compose and buildx, or
those of the next Debian release if this one has none. Takes some minutes."""

import functools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import machine

import rig  # its place is known from here on

SERVICES = list(rig.services.DEFAULT)
PORTS = 8  # that the attacker of the demo profile visits
COMPOSE = rig.ROOT / "compose"
run = functools.partial(machine.run, timeout=1200)

t = rig.Report("compose")
rig.require(t, "dockerd", "docker", "mmdebstrap", "nsenter", "ip")


def fetch_plugins(place):
    """docker compose and buildx, which Debian 12 does not have, unpacked from the next release's packages."""
    plugins = place / "config" / "cli-plugins"
    plugins.mkdir(parents=True)
    if run(["docker", "compose", "version"], check=False).returncode == 0:
        return
    stanzas = []
    for file in sorted(pathlib.Path("/etc/apt/sources.list.d").glob("*.sources")):
        stanzas += [s for s in re.split(r"\n\s*\n", file.read_text()) if "bookworm" in s and "security" not in s]
    text = "\n\n".join(s.replace("bookworm-updates", "").replace("bookworm", "trixie") for s in stanzas)
    apt = place / "apt"
    for sub in ("lists/partial", "archives/partial"):
        (apt / sub).mkdir(parents=True)
    (apt / "trixie.sources").write_text(text + "\n")
    options = ["-o", f"Dir::Etc::sourcelist={apt}/trixie.sources", "-o", "Dir::Etc::sourceparts=/dev/null",
               "-o", f"Dir::State::lists={apt}/lists", "-o", f"Dir::Cache::archives={apt}/archives"]
    run(["apt-get", "-q", *options, "update"])
    run(["apt-get", "-q", *options, "download", "docker-compose/trixie", "docker-buildx/trixie"], cwd=apt)
    for deb in apt.glob("*.deb"):
        run(["dpkg", "-x", deb, apt / "x"])
    for plugin in (apt / "x/usr/libexec/docker/cli-plugins").iterdir():
        shutil.copy(plugin, plugins)


class Engine:
    """dockerd with folders of its own, in the machine's network or in a namespace."""

    def __init__(self, place):
        self.place = place
        self.netns = f"{rig.PREFIX}-compose-{os.getpid()}"
        self.process = None
        self.env = {**rig.environment(), "DOCKER_HOST": f"unix://{place}/docker.sock", "DOCKER_CONFIG": str(place / "config"),
                    "LURKER_INTERFACE": "lurker-demo", "LURKER_IDLE_TIMEOUT_S": "2", "LURKER_SENSOR": "box"}

    def start(self, inside):
        argv = ["dockerd", "--data-root", self.place / "data", "--exec-root", self.place / "exec", "--iptables=false",
                "-H", self.env["DOCKER_HOST"], "--pidfile", self.place / "pid"]
        if inside:
            run(["ip", "netns", "add", self.netns])
            run(["ip", "-n", self.netns, "link", "set", "lo", "up"])
            # Not `ip netns exec`, which hides the control groups that the engine needs.
            argv = ["nsenter", f"--net=/run/netns/{self.netns}", *argv]
        else:
            argv.append("--bridge=none")
        log = open(self.place / "dockerd.log", "ab")
        self.process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                        start_new_session=True, env=self.env)
        rig.wait_for(lambda: self.docker("info", check=False).returncode == 0, "the Docker engine", 60)

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def docker(self, *argv, **more):
        return run(["docker", *argv], env=self.env, **more)

    def compose(self, *argv, **more):
        return run(["docker", "compose", *argv], env=self.env, cwd=COMPOSE, **more)

    def close(self):
        if self.process:
            self.compose("--profile", "demo", "down", "-v", "-t", "5", check=False)
        self.stop()
        run(["ip", "netns", "del", self.netns], check=False)


def volume(engine, name):
    return pathlib.Path(engine.docker("volume", "inspect", "-f", "{{.Mountpoint}}", f"lurker_{name}").stdout.strip())


def records(engine):
    lines = []
    for file in sorted((volume(engine, "state") / "records/analysis").glob("*.jsonl")):
        lines += [json.loads(line) for line in file.read_text().splitlines()]
    return [r for r in lines if "/demo-" in r["readable"]]


def attack(engine):
    # Started and not attached to: what counts is what the sensor saw.
    engine.compose("--profile", "demo", "up", "-d", "--no-build", "--no-deps", "--force-recreate", "attacker")


def sensor_works(engine):
    began = time.monotonic()
    engine.compose("--profile", "demo", "create", "--no-build", "attacker")  # makes the network it lives on
    engine.compose("up", "-d", "--wait", "--no-build")
    t.check("up -d --wait: every service is healthy", True)
    attack(engine)
    rig.wait_for(lambda: len(records(engine)) >= 1, "the first record", 60)
    t.note(f"from `up` to the first record: {time.monotonic() - began:.0f} s")
    rig.wait_for(lambda: len(records(engine)) >= PORTS, "a record for each port", 60)
    seen = {r["dst_port"] for r in records(engine)}
    t.check(f"an attack from another container: a record for each of {PORTS} ports", len(seen) == PORTS, seen)
    files = [volume(engine, "state") / r["s3path"].split("/var/lib/lurker/", 1)[1] for r in records(engine)]
    t.check("each record's capture file is there", all(f.exists() for f in files), files)
    rig.wait_for(lambda: "/demo-" in engine.compose("logs", "--no-log-prefix", "tail").stdout, "the record in `logs tail`", 20)
    t.check("docker compose logs tail shows it", True)
    memory = engine.docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}").stdout
    total = 0.0
    for line in memory.splitlines():
        number, unit = re.match(r"\S+ ([\d.]+)(\w+)", line).groups()
        total += float(number) * {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}.get(unit, 0)
    t.check(f"memory of the whole set: {total:.0f} MiB, below 512 MiB", 0 < total < 512, memory)


def kills_lose_nothing(engine):
    before = len(records(engine))
    for s in SERVICES:
        engine.compose("kill", "-s", "KILL", s)
        engine.compose("up", "-d", "--wait", "--no-build", s)
    attack(engine)
    rig.wait_for(lambda: len(records(engine)) >= before + PORTS, "the records after the kills", 60)
    flows = [(r["src_port"], r["dst_port"]) for r in records(engine)]
    t.check("after each container was killed: nothing lost, nothing twice",
            len(flows) == before + PORTS and len(set(flows)) == len(flows), flows)


def containers_are_tight(engine):
    for s in SERVICES:
        box = json.loads(engine.docker("inspect", f"lurker-{s}-1").stdout)[0]
        status = pathlib.Path(f"/proc/{box['State']['Pid']}/status").read_text()
        field = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        t.check(f"{s}: own account, no capability, seccomp, read-only root",
                field["Uid"].split()[0] != "0" and int(field["CapEff"], 16) == 0 and field["Seccomp"] == "2" and
                field["NoNewPrivs"] == "1" and box["HostConfig"]["ReadonlyRootfs"], status)


def main():
    place = pathlib.Path(tempfile.mkdtemp(prefix="lurker-compose-", dir="/var/tmp"))
    engine = Engine(place)
    try:
        fetch_plugins(place)
        run([rig.ROOT / "tests/system/base-root", place / "base.tar", "ca-certificates"])
        engine.start(inside=False)
        engine.docker("import", place / "base.tar", "debian:bookworm-slim")
        engine.docker("build", "--network", "host", "-t", "lurker:0.1.0", "-f", COMPOSE / "Dockerfile", rig.ROOT)
        size = {i: int(engine.docker("image", "inspect", "-f", "{{.Size}}", i).stdout) for i in ("lurker:0.1.0", "debian:bookworm-slim")}
        t.note(f"image: {size['lurker:0.1.0'] // 1000000} MB, of which the base is {size['debian:bookworm-slim'] // 1000000} MB")
        t.check("the image has no compiler", engine.docker("run", "--rm", "--network", "none", "lurker:0.1.0", "sh", "-c",
                                                           "! command -v cc gcc ld").returncode == 0)
        t.check("the image lists what is in it", "libzmq5" in engine.docker(
            "run", "--rm", "--network", "none", "lurker:0.1.0", "cat", "/usr/share/lurker-sbom.tsv").stdout)
        engine.stop()
        engine.start(inside=True)
        sensor_works(engine)
        containers_are_tight(engine)
        kills_lose_nothing(engine)
        engine.compose("--profile", "demo", "down", "-v")
        t.check("down -v leaves nothing", not engine.docker("volume", "ls", "-q").stdout.strip())
    finally:
        engine.close()
        shutil.rmtree(place, ignore_errors=True)
    t.finish()


with t:
    main()
