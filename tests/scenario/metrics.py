#!/usr/bin/python3
"""Counters for Prometheus: the HTTP endpoint and the file of `lurker metrics` with a running sensor; promtool can
read both; every name in the alert rules and the dashboard exists."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import attacks
import prometheus
import rig
import sensor as sensors

PORT = 9177
MONITORING = rig.ROOT / "docs" / "monitoring"

# Runs inside the sensor's namespace: ask.py METHOD TARGET prints status and body; slow N holds N connections half asked.
ASK = """import http.client, socket, sys, time
def ask(method, target):
    c = http.client.HTTPConnection("127.0.0.1", %d, timeout=20)
    c.request(method, target)
    a = c.getresponse()
    return a.status, a.read().decode()
if sys.argv[1] == "slow":
    held = [socket.create_connection(("127.0.0.1", %d)) for _ in range(int(sys.argv[2]))]
    for s in held:
        s.sendall(b"GET /metrics HTTP/1.1\\r\\n")
    print(ask("GET", "/metrics")[0])
    for s in held:
        s.settimeout(20)
    print(sum(s.recv(1) == b"" for s in held))
else:
    status, body = ask(*sys.argv[1:])
    print(status)
    print(body, end="")
""" % (PORT, PORT)

t = rig.Report("metrics")
rig.require(t, "curl", programs=["lurker", *(f"lurker-{s}" for s in sensors.SERVICES)])


def promtool(text, *argv, data=None):
    if not prometheus.TOOL:
        t.skip(f"{text}: there is no promtool (prometheus)")
        return
    done = subprocess.run([prometheus.TOOL, *argv], input=data, capture_output=True, text=True, cwd=MONITORING)
    t.check(text, done.returncode == 0 and "FAILED" not in done.stdout + done.stderr and
            not (argv[0] == "check" and argv[1] == "metrics" and done.stderr.strip()), done.stdout + done.stderr)


def names(text):
    return set(re.findall(r"\blurker_[a-z0-9_]+", text))


def declared():
    """Every name that `lurker metrics` can export: from the services' declarations and its own HELP lines."""
    found = set()
    for path in rig.BIN.glob("lurker-*"):
        service = path.name.removeprefix("lurker-")
        for line in subprocess.run([path, "--help-metrics"], capture_output=True, text=True, check=True).stdout.splitlines():
            name, kind = line.split()[:2]
            found.add(f"lurker_{service}_{name}" + ("" if kind == "gauge" else "_total"))
    return found


def sample(text, series):
    """The value of a series, or None."""
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.M)
    return found and float(found[1])


with t:
    dashboard = json.loads((MONITORING / "lurker-dashboard.json").read_text())
    promtool("the alert rules are valid", "check", "rules", "lurker.rules.yml")
    promtool("each alert fires when it should", "test", "rules", "lurker.rules.test.yml")
    # Checks the dashboard's expressions as rules, with the variables that Grafana would set.
    panels = {f"panel:{p['id']}:{x['refId']}": x["expr"].replace("$__rate_interval", "5m").replace("$sensor", ".*")
              for p in dashboard["panels"] for x in p.get("targets", [])}
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as f:
        json.dump({"groups": [{"name": "dashboard", "rules": [{"record": k, "expr": v} for k, v in panels.items()]}]}, f)
        f.flush()
        promtool("the dashboard's expressions are valid", "check", "rules", f.name)
    rules = (MONITORING / "lurker.rules.yml").read_text()
    alerts = set(re.findall(r"alert: (\w+)", rules))
    tested = (MONITORING / "lurker.rules.test.yml").read_text()
    t.check("every alert has a test", alerts and all(a in tested for a in alerts), alerts)
    with rig.Lab() as lab:
        sensor = sensors.Sensor(lab).start()
        out = lab.dir / "textfile"
        out.mkdir()
        out.chmod(0o777)
        metrics = lab.sensor.start([rig.program("lurker"), "metrics", "-c", sensor.config, "--listen", f"127.0.0.1:{PORT}",
                                    "--file", out / "lurker.prom", "--file-interval-s", "1"], name="metrics")

        def ask(*argv):
            done = lab.sensor.run(["/usr/bin/python3", "-c", ASK, *argv], check=False)
            status, _, body = done.stdout.partition("\n")
            return (int(status), body) if done.returncode == 0 else (0, done.stderr)

        def scrape():
            return ask("GET", "/metrics")[1]

        def up(service):
            return f'lurker_up{{sensor="lab",service="{service}"}}'
        text = rig.wait_for(lambda: (x := scrape()) and all(sample(x, up(s)) == 1 for s in sensors.SERVICES) and x,
                            "every service up", 20, metrics)
        t.check("every service is up", True)
        attacks.Attacks(lab).curl("-m", "2", f"http://{lab.host(9)}:8080/metrics-test")
        seen = rig.wait_for(lambda: sample(scrape(), 'lurker_capture_packets_total{sensor="lab"}'), "packets", 20, metrics)
        t.check("packets are counted", seen > 0, seen)
        told = rig.wait_for(lambda: sample(scrape(), 'lurker_analyzer_records_total{sensor="lab"}'), "a record", 30, metrics)
        t.check("records are counted", told > 0, told)
        text = scrape()
        promtool("promtool finds nothing to say about what is exposed", "check", "metrics", data=text)
        installed = {p.name.removeprefix("lurker-") for p in rig.BIN.glob("lurker-*")}
        shown = {n for n in names("\n".join(re.findall(r"^# TYPE (\S+)", text, re.M)))}
        running = {n for n in declared() if n.split("_")[1] in sensors.SERVICES}
        t.check("every declared metric of a running service is shown", running <= shown, running - shown)
        t.check("nothing undeclared is published", sample(text, "lurker_metrics_undeclared_total") == 0,
                sample(text, "lurker_metrics_undeclared_total"))
        every = declared() | shown
        t.check("every name in the alert rules exists", names(rules) <= every, names(rules) - every)
        used = {n for p in dashboard["panels"] for x in p.get("targets", []) for n in names(x["expr"])}
        t.check("every name in the dashboard exists", used and used <= every, used - every)
        series = names("\n".join(re.findall(r"series: '(\S+)'", tested)))
        t.check("every name in the tests of the rules exists", series <= every, series - every)

        disk, real = sample(text, "lurker_state_size_bytes"), os.statvfs(lab.state)
        t.check("the size of the disk is the disk's", disk == real.f_blocks * real.f_frsize, disk)
        t.check("the queues have an age", sample(text, 'lurker_queue_oldest_seconds{queue="analyzer"}') is not None, text)

        t.check("another path is 404", ask("GET", "/")[0] == 404)
        t.check("another method is 405", ask("POST", "/metrics")[0] == 405)
        slow = lab.sensor.run(["/usr/bin/python3", "-c", ASK, "slow", "24"], timeout=60)
        t.check("24 slow clients: a quick one is served, and they are hung up on", slow.stdout.split() == ["200", "24"],
                slow.stdout + slow.stderr)
        file = out / "lurker.prom"
        rig.wait_for(file.exists, "the file", 10, metrics)
        promtool("the file is as good", "check", "metrics", data=file.read_text())
        t.check("no other *.prom, and all may read it", [p.name for p in out.glob("*.prom")] == ["lurker.prom"]
                and file.stat().st_mode & 0o777 == 0o644)

        os.kill(sensor.pids()["analyzer"], 9)
        restarts = 'lurker_restarts_total{sensor="lab",service="analyzer"}'
        rig.wait_for(lambda: sample(scrape(), restarts) == 1, "a restart counted", 20, metrics)
        t.check("a killed service is a restart", True)
        t.check("the sensor stops", sensor.stop() == 0)
        rig.wait_for(lambda: all(sample(scrape(), up(s)) == 0 for s in sensors.SERVICES), "every service down", 20, metrics)
        t.check("then every service is down", True)
        t.check("metrics ends in order", metrics.stop() == 0, metrics.tail())
        once = lab.sensor.run([rig.program("lurker"), "metrics", "-c", sensor.config, "--once"], check=False)
        t.check("--once without a sensor shows all as down, and says so",
                once.returncode == 1 and sample(once.stdout, up("capture")) == 0, once.stdout + once.stderr)
        bad = lab.sensor.run([rig.program("lurker"), "metrics", "-c", sensor.config, "--listen", "localhost"], check=False)
        t.check("a wrong address is refused", bad.returncode == 1 and "localhost" in bad.stderr, bad.stderr)
