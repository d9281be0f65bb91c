"""Checks running services: no capability, no new privileges, seccomp on, the service account; nothing is readable
by others; a forbidden call kills the service; strangers on TCP can neither read nor inject messages."""

import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile

import pipeline
import live
import rig
import sensor as sensors

UNPRIVILEGED = 65534


def status(pid):
    return dict(re.findall(r"^(\w+):[ \t]*(.*)$", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M))


def privileges(case, short):
    with rig.Lab() as lab:
        watch = live.Live(lab)
        watch.talk(10, 0.1)
        for service, pid in sorted(watch.sensor.pids().items()):
            of = status(pid)
            case.times += 1
            caps = {k: of[k] for k in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if int(of[k], 16)}
            case.require(not caps, f"{service} has {caps}")
            case.require(of["NoNewPrivs"] == "1" and of["Seccomp"] == "2", f"{service}: {of['NoNewPrivs']} {of['Seccomp']}")
            case.require(set(of["Uid"].split()) == {str(UNPRIVILEGED)} and not of["Groups"].strip(),
                         f"{service} runs as {of['Uid']}, groups {of.get('Groups')}")
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                mode = re.search(r"^Seccomp:\s+(\d)", (task / "status").read_text(), re.M).group(1)
                case.require(mode == "2", f"{service}: a thread without seccomp")
            cwd = [os.readlink(f) for f in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
            shared = [f for f in cwd if f.startswith(("/tmp/", "/var/tmp/", "/dev/shm/")) and not f.startswith(str(lab.dir))]
            case.require(not shared, f"{service} holds {shared}")
        sockets = [p for p in lab.run_dir.iterdir() if p.is_socket()]
        case.require(len(sockets) >= len(sensors.SERVICES), f"sockets: {sockets}")
        modes(case, lab.run_dir, 0o660)
        watch.finish(case, whole=False)
        modes(case, lab.state, 0o640)


def modes(case, place, of_files):
    """Nothing in a place of the services may be written by others than them, or be open to everybody."""
    for path in [place, *place.rglob("*")]:
        info = path.lstat()
        allowed = 0o750 if stat.S_ISDIR(info.st_mode) else of_files
        case.times += 1
        case.require(not stat.S_IMODE(info.st_mode) & ~allowed, f"{path}: {oct(stat.S_IMODE(info.st_mode))}")


# What no service may do after its start, with the numbers of x86-64.
FORBIDDEN = {"execve": 59, "execveat": 322, "ptrace": 101, "process_vm_writev": 311, "chroot": 161, "pivot_root": 155, "mount": 165,
             "umount2": 166, "unshare": 272, "setns": 308, "setuid": 105, "setgid": 106, "setresuid": 117, "capset": 126, "kill": 62,
             "open_by_handle_at": 304, "init_module": 175, "kexec_load": 246, "bpf": 321, "perf_event_open": 298, "keyctl": 250,
             "userfaultfd": 323, "io_uring_setup": 425, "reboot": 169, "personality": 135, "mknod": 133, "symlink": 88}
EVERY = rig.services.ALL
WITH_ALL = {"up": {"services": EVERY}, "forwarder": {"webhook_url": "http://127.0.0.1:9/"}}  # nobody takes what it sends


def everything(sensor):
    """{service: pid} of a sensor WITH_ALL, once all of them run."""
    def running():
        found = sensor.pids()
        return len(found) == len(EVERY) and all(f" {s}: started " in sensor.up.output() for s in EVERY) and found
    return rig.wait_for(running, "a start of every service", 20, sensor.up)


def forbidden(case, short):
    """The filter that each service of a sensor really installs is read and run for calls it must not make: the answer is to kill."""
    with rig.Lab() as lab:
        trace = lab.dir / "seccomp"
        under = ["strace", "-f", "-qq", "-v", "-s", "0", "-e", "trace=seccomp", "-e", "signal=none", "-o", trace]
        watch = live.Live(lab, WITH_ALL, under=under)
        pids = everything(watch.sensor)
        filters = dict(re.findall(r"^(\d+) +seccomp\(.*filter=\[(.*)\]\}", trace.read_text(), re.M))
        for service in EVERY:
            program = filters.get(str(pids[service]))
            if not case.require(program, f"{service} installs no filter"):
                continue
            for name, number in FORBIDDEN.items():
                verdict = evaluate(program, number)
                case.times += 1
                case.require(verdict == "KILL_PROCESS", f"{service}: {name} is answered with {verdict}")
            case.require(evaluate(program, 0) == "ALLOW", f"{service} may not read")
        os.kill(pipeline.child_of(watch.sensor.up.pid), signal.SIGTERM)  # strace would keep it
        case.require(watch.sensor.up.wait(30) == 0, watch.sensor.up.tail())
        watch.sensor.bus.close()


def evaluate(text, number):
    """Runs a seccomp program, as strace prints it, for one system call of x86-64."""
    words = re.findall(r"BPF_(STMT|JUMP)\(([^,]+), ([^,)]+)(?:, ([^,]+), ([^)]+))?\)", text)
    data = {0: number, 4: 0xc000003e}
    at, acc = 0, 0
    while at < len(words):
        kind, code, k, yes, no = words[at]
        if kind == "STMT" and "BPF_LD" in code:
            acc = data.get(int(k, 0), 0)
        elif kind == "STMT" and "BPF_RET" in code:
            return k.replace("SECCOMP_RET_", "").split("|")[0]
        elif kind == "JUMP":
            value = int(k, 0)
            if "BPF_JA" in code:
                at += value
            else:
                good = acc == value if "BPF_JEQ" in code else acc >= value if "BPF_JGE" in code else \
                    acc > value if "BPF_JGT" in code else bool(acc & value)
                at += int(yes if good else no, 0)
        at += 1
    return None


def killed(case, short):
    """Each service of a running sensor makes a forbidden call, after its start, as its own user: it is killed for it, comes back, and the
    sensor goes on."""
    calls = ("execve",) if short else FORBIDDEN if case.long else ("execve", "ptrace", "chroot", "mount", "setuid", "kill")
    with rig.Lab() as lab:
        for service in EVERY:
            with_shim = pipeline.Shim("forbidden", pathlib.Path(tempfile.mkdtemp(dir=lab.dir)), [service])
            with_shim.bin.parent.chmod(0o755)
            watch = live.Live(lab, WITH_ALL, program=with_shim.bin / "lurker")
            everything(watch.sensor)
            for name in calls:
                pid = watch.sensor.pids()[service]
                with_shim.set(FORBIDDEN[name])
                rig.wait_for(lambda: not os.path.exists(f"/proc/{pid}"), f"the end of {service} by {name}", 10, watch.sensor.up)
                with_shim.set(0)
                rig.wait_for(lambda: watch.sensor.pids().get(service) not in (None, pid), f"{service} again", 10, watch.sensor.up)
                case.times += 1
            how = set(re.findall(rf"service ended name={service} .*?(signal=\d+|exit=\d+)", watch.sensor.up.output()))
            case.require(how == {f"signal={signal.SIGSYS.value}"}, f"{service} ended with {how}")
            case.require(watch.sensor.stop() == 0, watch.sensor.up.tail())


def strangers(case, short):
    """Services that publish on TCP: who has no key, or a key that is not allowed, gets nothing out, and neither do bytes that are no
    ZeroMQ; who publishes to a service under a name of ours, without our key, gets nothing in."""
    import zmq
    context = zmq.Context.instance()
    with pipeline.Pipeline() as p:
        keys, allowed = p.dir / "keys", p.dir / "allowed"
        for name in ("sensor", "friend", "stranger"):
            subprocess.run([rig.program("lurker"), "keygen", keys, name], check=True, capture_output=True)
        allowed.mkdir()
        shutil.copy(keys / "friend.pub", allowed)

        def key(name):
            return (keys / name).read_bytes().strip()

        def curve(name):
            return {"CURVE_SERVERKEY": key("sensor.pub"), "CURVE_PUBLICKEY": key(f"{name}.pub"), "CURVE_SECRETKEY": key(f"{name}.secret")}

        def connected(kind, to, options):
            s = context.socket(kind)
            s.setsockopt(zmq.LINGER, 0)
            for option, value in options.items():
                s.setsockopt(getattr(zmq, option), value)
            s.connect(to)
            return s
        fake = context.socket(zmq.PUB)
        fake.setsockopt(zmq.LINGER, 0)
        for option, value in (("CURVE_SERVER", 1), ("CURVE_SECRETKEY", key("stranger.secret"))):
            fake.setsockopt(getattr(zmq, option), value)
        plain_fake = context.socket(zmq.PUB)
        producers = [f"{name}=tcp://127.0.0.1:{s.bind_to_random_port('tcp://127.0.0.1')}"
                     for name, s in (("capture", fake), ("flowagg", plain_fake))]
        secret = ("--curve-secret", keys / "sensor.secret", "--curve-clients", allowed, "--curve-server", keys / "sensor.pub")
        procs = {}
        for service in pipeline.WITH_FORWARDER:
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            proc = procs[service] = p.start(service, "--endpoint", f"tcp://127.0.0.1:{port}", *secret,
                                            "--producers", producers[0], "--producers", producers[1])
            rig.wait_for(lambda: " started " in proc.output(), "a start", 10, proc)
            to = f"tcp://127.0.0.1:{port}"
            out = {name: connected(zmq.SUB, to, options) for name, options in (("nobody", {}), ("stranger", curve("stranger")))}
            for s in out.values():
                s.subscribe(b"")
            # What is sent to a publisher is subscriptions, or nothing.
            into = [connected(zmq.PUB, to, curve("stranger")), connected(zmq.DEALER, to, {})]
            raw = socket.create_connection(("127.0.0.1", port))
            raw.sendall(b"GET / HTTP/1.1\r\n\r\n" + bytes(range(256)) * 64)
            friend = connected(zmq.SUB, to, curve("friend"))
            friend.subscribe(b"stat")
            for _ in range(3):
                for s in (*into, fake, plain_fake):
                    try:
                        s.send_multipart([b"packet", b"\x80", b"\x80"], zmq.NOBLOCK)
                    except zmq.Again:
                        pass
                case.require(friend.poll(15_000), f"{service}: the friend gets nothing\n{proc.tail()}")
                friend.recv_multipart()
            for name, s in out.items():
                case.times += 1
                case.require(not s.poll(0), f"{service}: {name} gets messages")
            raw.settimeout(0.1)
            got = b""
            try:
                while more := raw.recv(4096):
                    got += more
            except OSError:
                pass
            case.require(len(got) <= 64, f"{service}: {len(got)} bytes for what is no ZeroMQ: {got[:80]}")  # ZeroMQ's greeting
            raw.close()
            for s in (*out.values(), *into, friend):
                s.close(0)
            case.require(proc.poll() is None and "subscriber refused" in proc.output(), f"{service}: {proc.poll()}\n{proc.tail()}")
        for service, proc in procs.items():
            case.require(proc.stop() == 0, f"{service} ended with {proc.poll()}\n{proc.tail(6)}")
            now = p.now(service)
            case.require(now.get("bus_received") == 0 == now.get("bus_malformed"), f"{service} took in what strangers published: {now}")
        for s in (fake, plain_fake):
            s.close(0)


def units(case, short):
    """systemd's own opinion of the units: what they may still do, from 0 to 10."""
    if not shutil.which("systemd-analyze"):
        case.skipped = "systemd-analyze is not installed"
        return
    worst = {}
    for unit in sorted((rig.ROOT / "packaging" / "systemd").glob("*.service")):
        said = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit], capture_output=True, text=True)
        level = re.search(r"Overall exposure level for \S+: ([\d.]+)", said.stdout)
        case.times += 1
        if case.require(level, f"{unit.name}: {said.stderr or said.stdout}"):
            worst[unit.stem] = float(level[1])
            case.require(worst[unit.stem] < 2.0, f"{unit.name}: exposure {level[1]}")
    case.note(", ".join(f"{name} {level}" for name, level in worst.items()))


CASES = {"locked-privileges": privileges, "locked-calls": forbidden, "locked-killed": killed,
         "locked-strangers": strangers, "locked-units": units}
