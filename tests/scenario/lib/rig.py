"""The test rig: network namespaces, processes, waiting, reporting. Standard library only.

A scenario test is an executable tests/scenario/NAME.py:

    import pathlib, sys
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
    import rig

    t = rig.Report("my_scenario")
    rig.require(t, "nft", "curl", programs=["lurker-capture"])      # prints "skip …" and ends if absent
    with rig.Lab() as lab:                          # namespaces lab.sensor and lab.attacker, joined by a veth pair
        capture = lab.sensor.start([rig.program("lurker-capture"), "-i", lab.sensor.dev], name="capture")
        rig.wait_for(lambda: (lab.state / "journal").exists(), "a journal", 5, proc=capture)
        lab.attacker.run(["curl", "-m", "3", f"http://{lab.host(7)}/"], check=False)
        t.check("captured the request", …, "detail to show if the check fails")
    t.finish()

The network of a Lab:

    attacker a0 198.51.100.2/24, 2001:db8:1::2/64  ───  sensor s0 198.51.100.1/24, 2001:db8:1::1/64
    attacker routes 203.0.113.0/24 and 2001:db8:ff::/64 to the sensor; no host has them (lab.host(n), lab.host6(n))

A Lab removes everything that it made, however the test ends: it ends processes by pid, namespaces have
the test's pid in their names, and the next test removes the namespaces of tests that were killed.
$RIG_BIN is the directory of the programs (default: build/bin of the tree). If $RIG_KEEP is set, the
temporary directory is kept.
"""

import ctypes
import fcntl
import ipaddress
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "services"))
import services  # noqa: E402  the table of the services: every test takes its lists from there

BIN = pathlib.Path(os.environ.get("RIG_BIN", ROOT / "build" / "bin"))
PREFIX = "lurker"
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


class Timeout(Exception):
    pass


class Failed(Exception):
    pass


def program(name):
    """The path of a lurker program, such as lurker-capture."""
    return str(BIN / name)


def wait_for(condition, what, timeout=10.0, proc=None):
    """Calls condition until it returns a true value, and returns this value. The poll interval grows from 5
    to 100 ms. Raises Timeout; raises Failed as soon as proc, a Proc that the condition depends on, ends."""
    deadline = time.monotonic() + timeout
    pause = 0.005
    while True:
        value = condition()
        if value:
            return value
        if proc is not None and proc.poll() is not None:
            raise Failed(f"{proc.name} ended with {proc.poll()} while waiting for {what}\n{proc.tail()}")
        if time.monotonic() > deadline:
            tail = "\n" + proc.tail() if proc is not None else ""
            raise Timeout(f"no {what} within {timeout:g} s{tail}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


ACCOUNT = "nobody:nogroup"  # every machine has it; an installed sensor has an account of its own


def environment(extra=None):
    """The environment for programs under test, without the settings of the caller's own sensor."""
    return {**{k: v for k, v in os.environ.items() if not k.startswith("LURKER_")}, **(extra or {})}


class Report:
    """Prints `ok NAME: text`, `not ok NAME: text` and `skip NAME: reason`; finish() gives the exit code."""

    def __init__(self, name):
        self.name = name
        self.failures = 0
        self.count = 0

    def check(self, text, good, detail=None):
        self.count += 1
        if good:
            print(f"ok {self.name}: {text}", flush=True)
        else:
            self.failures += 1
            print(f"not ok {self.name}: {text}", flush=True)
            if detail is not None:
                for line in str(detail).splitlines()[-40:]:
                    print("    " + line, flush=True)
        return bool(good)

    def note(self, text):
        print(f"# {self.name}: {text}", flush=True)

    def skip(self, reason):
        print(f"skip {self.name}: {reason}", flush=True)

    def finish(self):
        if not self.count:
            self.check("ran at least one check", False)
        sys.exit(1 if self.failures else 0)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        """As a context manager, reports an exception of the rig as a failed check, without a traceback."""
        if kind and issubclass(kind, (Timeout, Failed, subprocess.SubprocessError, OSError)):
            self.check(f"{kind.__name__}", False, value)
        elif kind:
            return False
        self.finish()
        return False


def absent(*commands, programs=()):
    """A sentence about the first of these that is not installed or not built, or None."""
    for command in commands:
        if not shutil.which(command):
            return f"{command} is not installed"
    for name in programs:
        if not os.access(program(name), os.X_OK):
            return f"{name} is not built"
    return None


def forbidden():
    """Why namespaces cannot be made here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    if not _namespaces_work():
        return "network namespaces cannot be made here"
    return None


def require(report, *commands, programs=(), root=True):
    """Ends the test with a skip line if privileges, commands or programs are missing. With $RIG_STRICT (set
    where all packages are installed and all programs built), a missing command or program is a failure."""
    missing = absent(*commands, programs=programs)
    if missing and os.environ.get("RIG_STRICT"):
        report.check(f"has what it needs: {missing}", False)
        report.finish()
    missing = missing or (forbidden() if root else None)
    if missing:
        report.skip(missing)
        sys.exit(0)


def listening(port):
    """Whether something accepts connections on a TCP port of 127.0.0.1."""
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def _namespaces_work():
    name = f"{PREFIX}-{os.getpid()}-probe"
    made = _ip("netns", "add", name, check=False)
    if made.returncode:
        return False
    works = _ip("netns", "exec", name, "true", check=False).returncode == 0
    veth = _ip("-n", name, "link", "add", "p0", "type", "veth", "peer", "name", "p1", check=False)
    _ip("netns", "del", name, check=False)
    return works and veth.returncode == 0


def _ip(*args, check=True):
    done = subprocess.run(["ip", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if check and done.returncode:
        raise Failed(f"ip {' '.join(args)}: {done.stderr.strip()}")
    return done


def _locked(path):
    """Whether a Lab uses this directory. A test in another process namespace has no /proc entry here, but runs."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(fd)


def sweep():
    """Removes the namespaces and directories of tests that no longer run."""
    def left_behind(name):
        parts = name.split("-", 2)
        return len(parts) == 3 and parts[0] == PREFIX and parts[1].isdigit() and \
            not os.path.exists(f"/proc/{parts[1]}") and not any(map(_locked, places.glob(f"{PREFIX}-{parts[1]}-*")))
    places = pathlib.Path(tempfile.gettempdir())
    for line in _ip("netns", "list", check=False).stdout.splitlines():
        if line and left_behind(line.split()[0]):
            _ip("netns", "del", line.split()[0], check=False)
    for path in places.glob(f"{PREFIX}-*-*"):
        if left_behind(path.name) and "RIG_KEEP" not in os.environ:
            shutil.rmtree(path, ignore_errors=True)


class Proc:
    """A process with its output in a file. It ends with its Lab, and is killed if the test dies (unless it outlives)."""

    def __init__(self, argv, name, log, env=None, outlive=False, cwd=None):
        self.name, self.log, self.argv = name, pathlib.Path(log), [str(a) for a in argv]

        def child():
            if not outlive:
                _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

        with open(self.log, "ab") as out:
            self.popen = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                          env=env, cwd=cwd, preexec_fn=child, start_new_session=outlive)
        self.pid = self.popen.pid

    def poll(self):
        return self.popen.poll()

    def signal(self, number):
        if self.popen.poll() is None:
            self.popen.send_signal(number)

    def wait(self, timeout=15):
        return self.popen.wait(timeout)

    def stop(self, timeout=15):
        """Sends SIGTERM and returns the exit code; after the timeout, sends SIGKILL (the code is then -9)."""
        self.signal(signal.SIGTERM)
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.popen.wait(10)

    def output(self):
        return self.log.read_text(errors="replace")

    def tail(self, lines=25):
        return "\n".join(self.output().splitlines()[-lines:])


class Namespace:
    """One network namespace of a Lab. Its processes see its network and the usual file system. Its services
    become ACCOUNT unless a flag says otherwise."""

    def __init__(self, lab, role, dev, outlive):
        self.lab, self.dev, self.outlive = lab, dev, outlive
        self.name = f"{PREFIX}demo-{role}" if outlive else f"{PREFIX}-{os.getpid()}-{role}"
        _ip("netns", "add", self.name)

    def ip(self, *args, check=True):
        return _ip("-n", self.name, *args, check=check)

    def sysctl(self, key, value):
        path = "/proc/sys/" + key.replace(".", "/")
        self.run(["sh", "-c", f"[ ! -e {path} ] || echo {value} > {path}"])

    def inside(self, argv):
        return ["ip", "netns", "exec", self.name, *[str(a) for a in argv]]

    def start(self, argv, name=None, env=None):
        """Starts argv in the namespace; its output goes to logs/NAME.log of the Lab."""
        name = name or pathlib.Path(str(argv[0])).name
        proc = Proc(self.inside(argv), name, self.lab.logs / f"{name}.log",
                    env=environment({"LURKER_USER": ACCOUNT, **(env or {})}), outlive=self.outlive)
        self.lab.procs.append(proc)
        return proc

    def run(self, argv, timeout=30, check=True, data=None, text=True):
        """Runs argv to its end and returns the CompletedProcess. check: raises Failed if the exit code is not 0."""
        kind = {"input": data} if data is not None else {"stdin": subprocess.DEVNULL}
        done = subprocess.run(self.inside(argv), capture_output=True, timeout=timeout, text=text,
                              errors="replace" if text else None, env=environment({"LURKER_USER": ACCOUNT}), **kind)
        if check and done.returncode:
            raise Failed(f"{' '.join(str(a) for a in argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def capture(self, expression="", name="capture"):
        """Starts tcpdump on the namespace's device; returns (Proc, pcap path) once it listens."""
        path = self.lab.dir / f"{name}.pcap"
        proc = self.start(["tcpdump", "-i", self.dev, "-n", "-U", "-B", "8192", "-Z", "root",
                           "-w", path, *expression.split()], name=f"tcpdump-{name}")
        wait_for(lambda: "listening on" in proc.output(), "tcpdump listening", 10, proc)
        return proc, path


class Lab:
    """A sensor and an attacker namespace, a temporary directory, and every process started in them."""

    prefix = ipaddress.ip_network("203.0.113.0/24")
    prefix6 = ipaddress.ip_network("2001:db8:ff::/64")
    sensor_addr, attacker_addr = "198.51.100.1", "198.51.100.2"
    sensor_addr6, attacker_addr6 = "2001:db8:1::1", "2001:db8:1::2"

    def __init__(self, outlive=False):
        self.procs = []
        signal.signal(signal.SIGTERM, _on_term)  # a terminated test still cleans up
        self.outlive = outlive  # processes and namespaces stay when the test ends (a demo that is kept)
        sweep()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"{PREFIX}demo-" if outlive else f"{PREFIX}-{os.getpid()}-"))
        self.lock = os.open(self.dir, os.O_RDONLY)
        fcntl.flock(self.lock, fcntl.LOCK_SH)
        self.dir.chmod(0o755)  # services that drop to another user must reach what is below
        self.state, self.run_dir, self.logs = self.dir / "state", self.dir / "run", self.dir / "logs"
        self.logs.mkdir(exist_ok=True)  # state and run_dir are made by the services, for their account
        self.sensor = self.attacker = None
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        self.sensor = Namespace(self, "sensor", "s0", self.outlive)
        self.attacker = Namespace(self, "attacker", "a0", self.outlive)
        self.sensor.ip("link", "add", "s0", "type", "veth", "peer", "name", "a0", "netns", self.attacker.name)
        for space, v4, v6 in ((self.sensor, self.sensor_addr, self.sensor_addr6),
                              (self.attacker, self.attacker_addr, self.attacker_addr6)):
            space.sysctl("net.ipv4.ip_forward", 0)
            space.sysctl(f"net.ipv6.conf.{space.dev}.accept_dad", 0)
            space.ip("link", "set", "lo", "up")
            space.ip("link", "set", space.dev, "up")
            space.ip("address", "add", f"{v4}/24", "dev", space.dev)
            space.ip("address", "add", f"{v6}/64", "dev", space.dev, "nodad", check=False)
        self.attacker.ip("route", "add", str(self.prefix), "via", self.sensor_addr)
        self.attacker.ip("-6", "route", "add", str(self.prefix6), "via", self.sensor_addr6, check=False)

    def host(self, n):
        """Address n of the routed /24."""
        return str(self.prefix[n])

    def host6(self, n):
        return str(self.prefix6[n])

    def close(self):
        for proc in reversed(self.procs):
            proc.signal(signal.SIGTERM)
        for proc in reversed(self.procs):
            proc.stop()
        for space in (self.sensor, self.attacker):
            if space is not None:
                _ip("netns", "del", space.name, check=False)
        os.close(self.lock)
        if os.environ.get("RIG_KEEP"):
            print(f"# kept {self.dir}", file=sys.stderr)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            for proc in self.procs:
                tail = proc.tail(12)
                if tail:
                    print(f"# last lines of {proc.name}:\n" + "\n".join("#   " + x for x in tail.splitlines()))
        self.close()
        return False


def _on_term(number, frame):
    raise SystemExit(128 + number)
