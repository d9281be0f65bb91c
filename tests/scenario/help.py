#!/usr/bin/python3
"""The help of every program, and its reaction to wrong flags and configurations."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import rig

SERVICES = {f"lurker-{s}" for s in rig.services.DEFAULT}

t = rig.Report("help")
rig.require(t, programs=["lurker", *SERVICES], root=False)


def run(name, *argv):
    return subprocess.run([rig.program(name), *map(str, argv)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=20, env=rig.environment())


def says(done):
    return f"exit {done.returncode}\n{done.stdout}{done.stderr}"


with t, tempfile.TemporaryDirectory() as place:
    good, bad, range_, syntax = (pathlib.Path(place) / f"{n}.yml" for n in ("good", "bad", "range", "syntax"))
    good.write_text("sensor: here\ncapture:\n  interface: lo\nresponder:\n  interface: lo\nflowagg:\n  idle_timeout_s: 7\n")
    bad.write_text("sensor: here\nflowagg:\n  idle_timeout_s: 7\nflogagg:\n  idle_timeout_s: 7\n")
    range_.write_text("sensor: here\nstat_interval_s: -4\n")
    syntax.write_text("sensor: [here\nflowagg: }\n")

    for name in sorted(p.name for p in rig.BIN.iterdir() if p.name.startswith("lurker") and os.access(p, os.X_OK)):
        done = run(name, "--help")
        t.check(f"{name} --help", done.returncode == 0 and "Usage:" in done.stdout and not done.stderr, says(done))
        wide = [x for x in done.stdout.splitlines() if len(x) > 100]
        t.check(f"{name} --help fits 100 columns", not wide, "\n".join(wide))
        if name in SERVICES:
            for word in ("reads", "writes", "needs", "prints"):
                t.check(f"{name} --help says what it {word}", re.search(rf"\b{word}\b", done.stdout, re.I), says(done))
        done = run(name, "--version")
        t.check(f"{name} --version", done.returncode == 0 and re.fullmatch(rf"{name} \d+\.\d+\.\d+\n", done.stdout),
                says(done))
        done = run(name, "--no-such-flag")
        t.check(f"{name} refuses a flag it does not know", done.returncode == 2 and "no-such-flag" in done.stderr,
                says(done))
        if name in SERVICES:
            done = run(name, "--check", "-c", good)
            t.check(f"{name} --check passes a good configuration", done.returncode == 0, says(done))
            for path, line in ((bad, 4), (range_, 2), (syntax, "")):
                done = run(name, "--check", "-c", path)
                t.check(f"{name} --check names file and line of {path.name}",
                        done.returncode == 2 and f"{path}:{line}" in done.stderr, says(done))
            done = run(name, "--check", "-c", pathlib.Path(place) / "absent.yml")
            t.check(f"{name} --check refuses an absent file", done.returncode == 2 and "absent.yml" in done.stderr,
                    says(done))

    commands = re.findall(r"^  ([a-z-]+) ", run("lurker", "--help").stdout.split("\n\nServices")[0], re.M)
    t.check("lurker --help lists its commands", {"up", "check"} < set(commands), commands)
    for command in commands:
        done = run("lurker", command, "--help")
        t.check(f"lurker {command} --help", done.returncode == 0 and "Usage:" in done.stdout, says(done))
        done = run("lurker", command, "--no-such-flag")
        t.check(f"lurker {command} refuses a flag it does not know",
                done.returncode == 2 and ("no-such-flag" in done.stderr or "Usage:" in done.stderr), says(done))
    done = run("lurker", "frobnicate")
    t.check("lurker refuses a command it does not know", done.returncode == 2 and "frobnicate" in done.stderr, says(done))
    done = run("lurker", "check", "-c", good)
    t.check("lurker check passes a good configuration", done.returncode == 0, says(done))
    done = run("lurker", "check", "-c", bad)
    t.check("lurker check names file and line", done.returncode and f"{bad}:4" in done.stdout + done.stderr, says(done))
