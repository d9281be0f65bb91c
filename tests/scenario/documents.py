#!/usr/bin/python3
"""Runs every command of the documents as it is written, and builds and runs every program in them.

A comment before each fenced block of sh, python, c, js or yaml in README.md, docs/ and deploy/ says
how the block is tested:

    <!-- test: shell -->                in a folder of its own; every line must succeed
    <!-- test: sensor -->               the same, as root on a host with a running sensor
    <!-- test: sensor, for a while -->  the same, for an endless command: it must print while visitors
                                        come, and keep running
    <!-- test: reader, for a while -->  the same, on another host, which may subscribe over TCP
    <!-- test: sensor, at last -->      the same, repeated until it prints something
    <!-- test: sensor, each line for a while -->
                                        each line alone; it must print, and end well or keep running
    <!-- test: visitor -->              on the other host
    <!-- test: prometheus -->           YAML that `promtool check config` accepts
    <!-- test: configuration -->        YAML that `lurker check` accepts
    <!-- test: NAME.py, .c, .mjs -->    a subscriber: it must print the record of a visit
    <!-- not tested here: REASON -->    is not run; the reason is listed
    …, needs COMMAND                    is skipped if COMMAND is not installed

EXAMPLES replaces the documents' examples, such as eth0, with the values of the Lab. A mount namespace
shows each block the Lab's directories in their usual places.
"""

import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import attacks
import prometheus
import rig
import sensor as sensors

LANGUAGES = "sh|python|c|js|yaml"
BLOCK = re.compile(rf"^(?:<!-- (.*?) -->\n)?```({LANGUAGES})\n(.*?)^```$", re.M | re.S)
COMMAND = re.compile(r"^(?:    |\t)(?:sudo |\./dev |lurker|docker |systemctl |apt|promtool )", re.M)
DOCUMENTS = [rig.ROOT / "README.md", *sorted((rig.ROOT / "docs").rglob("*.md")), *sorted((rig.ROOT / "deploy").rglob("*.md"))]

# Replacements for the documents' examples.
EXAMPLES = {r"\beth0\b": "s0", r"198\.51\.100\.7\b": "198.51.100.1", r"\bsudo ": "", r"\bbuild/bin/": "",
            r"/usr/share/doc/lurker/": f"{rig.ROOT}/docs/"}

# The block must not see the machine's /etc, /run and /var/lib: the Lab's take their place.
IN_PLACE = """set -e
mount -t tmpfs none /run; mkdir /run/lurker; mount --bind "$LAB/run" /run/lurker
mount -t tmpfs none /var/lib; mkdir /var/lib/lurker; mount --bind "$LAB/state" /var/lib/lurker
mount --bind /etc "$LAB/etc-below"
mount -t tmpfs none "$LAB/etc-above"; mkdir "$LAB/etc-above/up" "$LAB/etc-above/work"
mount -t overlay none -o lowerdir="$LAB/etc-below",upperdir="$LAB/etc-above/up",workdir="$LAB/etc-above/work" /etc
grep -q ^lurker: /etc/passwd || echo "lurker:x:$(id -u nobody):$(id -g nobody)::/:/usr/sbin/nologin" >>/etc/passwd
grep -q ^lurker: /etc/group || echo "lurker:x:$(id -g nobody):" >>/etc/group
rm -rf /etc/lurker; mkdir /etc/lurker; cp "$LAB/lurker.yml" /etc/lurker/
sed -i '/^state_dir:/d; /^run_dir:/d' /etc/lurker/lurker.yml
cd "$1"; shift
exec "$@"
"""

t = rig.Report("documents")
rig.require(t, "curl", "unshare", "cc", programs=["lurker", *(f"lurker-{s}" for s in sensors.SERVICES)])


class Block:
    def __init__(self, path, match):
        self.language, self.text = match[2], match[3]
        self.place = f"{path.relative_to(rig.ROOT)}:{path.read_text()[:match.start(3)].count(chr(10)) + 1}"
        self.folder = path.stem
        kind, _, rest = (match[1] or "").partition(": ")
        self.known = kind in ("test", "not tested here") and bool(rest)
        self.reason = rest if kind == "not tested here" else None
        words = [w.strip() for w in rest.split(",")]
        self.world, self.endless, self.at_last = words[0], "for a while" in words, "at last" in words
        self.each = "each line for a while" in words
        self.needs = [w.removeprefix("needs ") for w in words if w.startswith("needs ")]
        for example, real in EXAMPLES.items():
            self.text = re.sub(example, real, self.text)


class World:
    """A sensor in a Lab, a second host, and visitors."""

    def __init__(self, lab):
        self.lab, self.visits = lab, 0
        for name in ("etc-below", "etc-above"):
            (lab.dir / name).mkdir()
        self.attacks = attacks.Attacks(lab)
        self.keys = lab.dir / "keys"
        for name in ("sensor", "reader"):
            subprocess.run([rig.program("lurker"), "keygen", self.keys, name], check=True, capture_output=True)
        allowed = lab.dir / "allowed"
        allowed.mkdir()
        shutil.copy(self.keys / "reader.pub", allowed)
        for path in (self.keys, allowed, *self.keys.iterdir(), *allowed.iterdir()):
            shutil.chown(path, *rig.ACCOUNT.split(":"))
        lab.sensor.ip("route", "add", "default", "via", lab.attacker_addr)  # what is on no other interface is on s0
        self.sensor = sensors.Sensor(lab, {
            "curve_secret": str(self.keys / "sensor.secret"), "curve_clients": str(allowed),
            "logptn": {"endpoint": "tcp://198.51.100.1:5510"},
            "capture": {"exclude_ports": [5510]}, "responder": {"exclude_ports": [5510]}}).start()

    def folder(self, block):
        path = self.lab.dir / "documents" / block.folder
        path.mkdir(parents=True, exist_ok=True)
        return path

    def argv(self, block, argv):
        lab = self.lab
        return ["env", f"LAB={lab.dir}", f"PATH={rig.BIN}:/usr/sbin:/usr/bin:/sbin:/bin", "unshare", "-m", "--propagation",
                "private", "sh", "-c", IN_PLACE, "sh", self.folder(block), *argv]

    def visit(self):
        self.visits += 1
        self.attacks.curl("-m", "1", f"http://{self.lab.host(77)}:4711/visit-{self.visits}")

    def watch(self, block, argv, wanted, space=None, may_end=False):
        """Runs argv while visitors come, until wanted(output). It must then still run, or have ended well if it may end."""
        space = space or self.lab.sensor
        proc = space.start(self.argv(block, ["timeout", "120", *argv]), name=re.sub(r"\W", "-", block.place))

        def seen():
            self.visit()
            return wanted(proc.output())
        rig.wait_for(seen, f"output of {block.place}", 40, None if may_end else proc)
        good = proc.poll() is None or (may_end and proc.poll() == 0)
        proc.stop()
        return good, proc.tail()


def run(world, block):
    """(success, output), or None if the block was skipped."""
    script = ["sh", "-e", "-c", block.text]
    lab = world.lab
    if block.world in ("shell", "sensor"):
        if block.each:
            lines = block.text.strip().splitlines()
            results = [world.watch(block, [*script[:3], line], str.strip, may_end=True) for line in lines]
            return all(good for good, _ in results), "\n".join(said for _, said in results)
        if block.endless:
            return world.watch(block, script, str.strip)
        if block.at_last:
            return rig.wait_for(lambda: (done := lab.sensor.run(world.argv(block, script), check=False)).stdout.strip() and
                                (done.returncode == 0, done.stdout), f"output of {block.place}", 40)
        done = lab.sensor.run(world.argv(block, script), timeout=100, check=False)
        return done.returncode == 0, f"exit {done.returncode}\n{done.stdout}{done.stderr}"
    if block.world == "visitor":
        done = lab.attacker.run(world.argv(block, script), check=False)
        return done.returncode == 0, done.stdout + done.stderr
    if block.world == "reader":
        shutil.copytree(world.keys, world.folder(block) / "keys", dirs_exist_ok=True)
        return world.watch(block, script, str.strip, lab.attacker)
    if block.world == "configuration":
        path = world.folder(block) / "lurker.yml"
        path.write_text(block.text)
        done = lab.sensor.run(world.argv(block, [rig.program("lurker"), "check", "-c", path]), check=False)
        return done.returncode == 0, done.stdout + done.stderr
    if block.world == "prometheus":
        if not prometheus.TOOL:
            t.skip(f"{block.place}: there is no promtool (prometheus)")
            return None
        path = world.folder(block) / "prometheus.yml"
        path.write_text(block.text)
        done = subprocess.run([prometheus.TOOL, "check", "config", path], capture_output=True, text=True)
        return done.returncode == 0 and "rules found" in done.stdout, done.stdout + done.stderr
    return subscriber(world, block)


def subscriber(world, block):
    path = world.folder(block) / block.world
    path.write_text(block.text)
    if path.suffix == ".c":
        subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-o", path.with_suffix(""), path, "-lzmq", "-lmsgpackc"],
                       check=True)
        argv = [path.with_suffix("")]
    elif path.suffix == ".mjs":
        modules = node_modules()
        if not modules:
            t.skip(f"{block.place}: node, npm or the modules zeromq and @msgpack/msgpack are not there")
            return None
        (path.parent / "node_modules").symlink_to(modules)
        argv = [shutil.which("node"), path]
    else:
        argv = ["/usr/bin/python3", "-u", path]
    good, said = world.watch(block, argv, lambda out: re.search(r"198\.51\.100\.2 4711 .*visit-", out))
    return good and "missed" not in said, said


def node_modules():
    place = rig.ROOT / "build-test" / "node"
    if not shutil.which("npm") or not shutil.which("node"):
        return None
    place.mkdir(parents=True, exist_ok=True)
    if not (place / "node_modules" / "zeromq").exists():
        (place / "package.json").write_text("{}\n")
        subprocess.run(["npm", "install", "--silent", "--ignore-scripts", "zeromq", "@msgpack/msgpack"], cwd=place,
                       capture_output=True, check=False, timeout=100)
    works = subprocess.run(["node", "-e", "require('zeromq'); require('@msgpack/msgpack')"], cwd=place, capture_output=True)
    return place / "node_modules" if works.returncode == 0 else None


def links():
    """The links in documents that do not lead to a file of the tree."""
    for path in DOCUMENTS + [rig.ROOT / "ARCHITECTURE.md", rig.ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
            if not (path.parent / target).exists():
                yield f"{path.name}: {target}"


with t:
    t.check("every link leads to a file", not list(links()), list(links()))
    blocks = []
    for document in DOCUMENTS:
        text = document.read_text()
        found = [Block(document, m) for m in BLOCK.finditer(text)]
        unmarked = [b.place for b in found if not b.known]
        loose = COMMAND.findall(BLOCK.sub("", text))
        t.check(f"{document.relative_to(rig.ROOT)}: every block says how it is tested",
                not unmarked and not loose and len(found) == len(re.findall(rf"^```({LANGUAGES})$", text, re.M)),
                f"{unmarked} {loose}")
        blocks += found
    ours = [b for b in blocks if b.language == "python" and b.folder == "README"]
    t.check("the README has a subscriber in Python, in under ten lines",
            ours and len([x for x in ours[0].text.splitlines() if x.strip()]) < 10)
    for block in blocks:
        if block.reason:
            t.note(f"{block.place} is not run here: {block.reason}")
    blocks = [b for b in blocks if b.known and not b.reason]
    with rig.Lab() as lab:
        world = World(lab)
        world.visit()
        record = world.sensor.wait_record(lambda r: r["dst_port"] == 4711 and r["payload_len"], "a visit")
        some = rig.wait_for(lambda: world.sensor.stored(record), "its capture file", 10)
        (lab.dir / "documents" / "README").mkdir(parents=True)
        shutil.copy(some, lab.dir / "documents" / "README" / "some.pcap")
        (lab.dir / "documents" / "README" / "auth.log").write_text("Failed password for root from 192.0.2.7 port 22 ssh2\n" * 3)
        for block in blocks:
            missing = [c for c in block.needs if not shutil.which(c)]
            if missing:
                t.skip(f"{block.place}: {missing[0]} is not installed")
                continue
            try:
                result = run(world, block)
            except (rig.Timeout, rig.Failed, subprocess.SubprocessError) as e:
                result = False, e
            if result is not None:
                t.check(f"{block.place}: {block.text.strip().splitlines()[0][:60]}", result[0], result[1])
        t.check("the sensor ends in order after all that", world.sensor.stop() == 0, world.sensor.up.tail())
