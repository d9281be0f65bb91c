"""A minimal Debian 12 with the Debian package of this tree, installed in a directory or booted under systemd-nspawn."""

import ctypes
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "scenario" / "lib"))
import rig

PROGRAMS = ("mmdebstrap", "systemd-nspawn", "cpack", "nsenter", "ip", "unshare")
ADDRESS, PEER = "10.98.0.2", "10.98.0.1"  # of the machine's interface host0, and of the other end of its veth
NETWORK = f"""[Unit]
Before=lurker-capture.service lurker-responder.service network.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/sbin/ip addr add {ADDRESS}/24 dev host0
ExecStart=/sbin/ip link set host0 up
ExecStart=/sbin/ip route add default via {PEER}
"""
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def run(argv, check=True, timeout=600, **more):
    r = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=timeout, **more)
    if check and r.returncode:
        raise rig.Failed(f"{' '.join(map(str, argv))}: {r.stdout[-2000:]}{r.stderr[-2000:]}")
    return r


def make_package(place):
    build = place / "build"
    run(["cmake", "-S", rig.ROOT, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_INSTALL_PREFIX=/usr"])
    run(["cmake", "--build", build])
    run(["cpack"], cwd=build)
    return next(build.glob("*.deb"))


class Root:
    """A root directory that packages are installed into, and that boots."""

    def __init__(self, place, *packages):
        self.path = place / "root"
        self.path.mkdir()
        run([rig.ROOT / "tests/system/base-root", place / "base.tar", "systemd", "systemd-sysv", "dbus", "iproute2",
             "ca-certificates", *packages])
        run(["tar", "-C", self.path, "-xf", place / "base.tar", "--exclude=./dev/*"])

    def sh(self, script, check=True):
        return run(["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private", "sh", "-c",
                    'mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"; mount -t tmpfs tmpfs "$1/run"; '
                    'exec chroot "$1" /bin/sh -ec "$2"', "sh", self.path, script], check=check)

    def has(self, name):
        return (self.path / name).exists()

    def wire(self, *wanted):
        """Gives the machine its address at boot, and the units that it is to start then."""
        units = self.path / "etc/systemd/system"
        (units / "systemd-networkd-wait-online.service").symlink_to("/dev/null")
        (units / "attic.service").write_text(NETWORK)
        wants = units / "multi-user.target.wants"
        wants.mkdir(exist_ok=True)
        (wants / "attic.service").symlink_to("../attic.service")
        for unit in wanted:
            (wants / unit).symlink_to(f"/lib/systemd/system/{unit}")


class Machine:
    """The root, booted. Its veth ends in a namespace of our own."""

    def __init__(self, root, place):
        self.name = f"lurker{place.name[-6:]}".lower().replace("_", "x")
        self.netns = f"{rig.PREFIX}-{self.name}"
        self.log = open(place / "boot.log", "wb")
        self.nspawn = subprocess.Popen(
            ["systemd-nspawn", "--boot", "--network-veth", "--register=no", "--keep-unit", "-q", "-M", self.name, "-D", root.path],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        self.veth = f"ve-{self.name}"[:15]
        run(["ip", "netns", "add", self.netns])
        rig.wait_for(lambda: pathlib.Path(f"/sys/class/net/{self.veth}").exists(), "the machine's veth", 30)
        run(["ip", "link", "set", self.veth, "netns", self.netns])
        run(["ip", "-n", self.netns, "addr", "add", f"{PEER}/24", "dev", self.veth])
        run(["ip", "-n", self.netns, "link", "set", self.veth, "up"])

    def leader(self):
        return run(["pgrep", "-P", self.nspawn.pid], check=False).stdout.split()[:1]

    def sh(self, script, check=False):
        leader = self.leader()
        if not leader:
            return ""
        return run(["nsenter", "-t", leader[0], "-a", "sh", "-c", script], check=check).stdout

    def states(self, services):
        """active, inactive, failed …, of each service's unit."""
        return self.sh("systemctl is-active " + " ".join(f"lurker-{s}" for s in services)).split()

    def all_active(self, services):
        return self.states(services) == ["active"] * len(services)

    def attack(self, argv):
        return run(["ip", "netns", "exec", self.netns, *argv], check=False)

    def beside(self, make):
        """What make() returns, called in the namespace: the sockets that it opens are there."""
        with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{self.netns}") as there:
            if _libc.setns(there.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            try:
                return make()
            finally:
                _libc.setns(home.fileno(), CLONE_NEWNET)

    def close(self):
        self.sh("systemctl --force poweroff")
        try:
            self.nspawn.wait(20)
        except subprocess.TimeoutExpired:
            self.nspawn.kill()
            self.nspawn.wait()
        run(["ip", "netns", "del", self.netns], check=False)
        self.log.close()
