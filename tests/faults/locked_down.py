"""Running services: no capability, no new privileges, seccomp on, the service account; nothing readable by others; a forbidden
call kills; strangers on TCP get nothing in or out."""

import os
import pathlib
import re
import shutil
import signal
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
        watch.finish(case, whole=False)
        modes(case, lab.state)


def modes(case, state):
    for path in [state, *state.rglob("*")]:
        info = path.lstat()
        allowed = 0o750 if stat.S_ISDIR(info.st_mode) else 0o640
        case.times += 1
        case.require(not stat.S_IMODE(info.st_mode) & ~allowed, f"{path}: {oct(stat.S_IMODE(info.st_mode))}")


# What no service may do after its start, with the numbers of x86-64.
FORBIDDEN = {"execve": 59, "ptrace": 101, "chroot": 161, "mount": 165, "setuid": 105, "kill": 62, "open_by_handle_at": 304}


def forbidden(case, short):
    """The filter that each service really installs is read and run for calls it must not make: the answer is to kill."""
    with pipeline.Pipeline() as p:
        for service in pipeline.SERVICES:
            trace = p.dir / f"{service}.seccomp"
            proc = p.start(service, before=["strace", "-f", "-qq", "-v", "-s", "0", "-e", "trace=seccomp", "-o", str(trace)])
            rig.wait_for(lambda: " started " in proc.output(), "a start", 10, proc)
            child = pipeline.child_of(proc.pid)
            os.kill(child, 15)
            proc.wait(15)
            program = re.search(r"filter=\[(.*)\]\}", trace.read_text())
            if not case.require(program, f"{service} installs no filter"):
                continue
            for name, number in FORBIDDEN.items():
                verdict = evaluate(program.group(1), number)
                case.times += 1
                case.require(verdict == "KILL_PROCESS", f"{service}: {name} is answered with {verdict}")
            case.require(evaluate(program.group(1), 0) == "ALLOW", f"{service} may not read")


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
    calls = ("execve",) if short else FORBIDDEN
    with rig.Lab() as lab:
        for service in (*sensors.SERVICES, "logptn"):
            with_shim = pipeline.Shim("forbidden", pathlib.Path(tempfile.mkdtemp(dir=lab.dir)), [service])
            with_shim.bin.parent.chmod(0o755)
            watch = live.Live(lab, program=with_shim.bin / "lurker")
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


CASES = {"locked-privileges": privileges, "locked-calls": forbidden, "locked-killed": killed, "locked-units": units}
