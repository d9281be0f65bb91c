#!/usr/bin/python3
"""The bus from another language: the subscriber in messages.md on a real service, a publisher for `lurker tail`, and keys from
`lurker keygen` over TCP."""

import json
import pathlib
import re
import shutil
import socket
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import rig

t = rig.Report("bus_python")
rig.require(t, programs=("lurker", "lurker-flowagg", "lurker-analyzer"), root=False)
try:
    import msgpack
    import zmq
except ImportError as missing:
    t.skip(missing)
    sys.exit(0)

context = zmq.Context()
place = pathlib.Path(tempfile.mkdtemp(prefix="lurker-bus-python-"))
run_dir, state_dir = place / "run", place / "state"
run_dir.mkdir()
state_dir.mkdir()
running = []


def start(*argv, name):
    proc = rig.Proc([rig.BIN / argv[0], *argv[1:], "--run-dir", run_dir, "--user", ""], name, place / f"{name}.log",
                    env=rig.environment())
    running.append(proc)
    return proc


def subscriber(endpoint, topic, **options):
    s = context.socket(zmq.SUB)
    for option, value in options.items():
        s.setsockopt(getattr(zmq, option), value)
    s.connect(endpoint)
    s.subscribe(topic)
    return s


def receive(s, seconds=15):
    """(topic, envelope, body), or None."""
    if not s.poll(seconds * 1000):
        return None
    topic, envelope, body = s.recv_multipart()
    return topic, msgpack.unpackb(envelope), msgpack.unpackb(body)


def the_reference_works():
    text = (rig.ROOT / "proto" / "messages.md").read_text()
    code = re.search(r"```python\n(.*?)```", text, re.S).group(1)
    code = code.replace("ipc:///run/lurker/analyzer.sock", f"ipc://{run_dir}/flowagg.sock").replace(
        'b"analysis"', 'b"stat"').replace("while True", "for _ in range(2)")
    t.check("the example leaves its words to be replaced", "flowagg.sock" in code and "range(2)" in code)
    example = rig.Proc(["/usr/bin/python3", "-u", "-c", code], "example", place / "example.log")
    running.append(example)
    example.wait(15)
    lines = example.output().splitlines()
    t.check("the subscriber of messages.md prints what comes", len(lines) == 2 and "cpu_ns" in lines[1], lines)


def a_service_is_heard():
    s = subscriber(f"ipc://{run_dir}/flowagg.sock", b"stat")
    service = start("lurker-flowagg", "--state-dir", state_dir, "--sensor", "s1", name="flowagg")
    first, second = receive(s), receive(s)
    t.check("a service is heard, though the subscriber was there first", first and second, service.tail())
    envelope = first[1]
    t.check("with the envelope of the reference", list(envelope) == ["v", "sensor", "producer", "epoch", "seq", "ts"]
            and (envelope["v"], envelope["sensor"], envelope["producer"]) == (1, "s1", "flowagg"), envelope)
    t.check("numbers follow one another", second[1]["seq"] == envelope["seq"] + 1 and second[1]["epoch"] == envelope["epoch"])
    t.check("its body says when it was started", first[2]["start_ns"] == envelope["epoch"], first[2])
    the_reference_works()
    second_one = start("lurker-flowagg", "--state-dir", place, name="flowagg-2")
    t.check("a second one of its kind does not take its socket", second_one.wait(15) == 1 and service.poll() is None,
            second_one.tail())
    service.kill()
    start("lurker-flowagg", "--state-dir", state_dir, "--sensor", "s1", name="flowagg-3")
    again = rig.wait_for(lambda: (lambda m: m and m[1]["epoch"] != envelope["epoch"] and m)(receive(s)), "a new epoch")
    t.check("killed and started again, it has another epoch", again[1]["epoch"] > envelope["epoch"])
    running.pop().stop()
    s.close(0)


def a_publisher_is_heard():
    p = context.socket(zmq.PUB)
    p.bind(f"ipc://{run_dir}/capture.sock")
    tail = start("lurker", "tail", "--envelope", "alert", name="tail")
    body = {"kind": "gap", "severity": "info", "message": "from Python, caf\u00e9", "ts_ns": 2**63, "future": [1, 2, 3]}
    seq = 0

    def send(seq, body=body, **changes):
        envelope = {"v": 1, "sensor": "py", "producer": "capture", "epoch": 7, "seq": seq, "ts": time.time_ns(), **changes}
        p.send_multipart([b"alert", msgpack.packb(envelope), body if isinstance(body, bytes) else msgpack.packb(body)])

    def heard():
        nonlocal seq
        send(seq)
        seq += 1
        return tail.output().count("from Python")
    rig.wait_for(heard, "an alert in lurker tail", 15, tail)
    send(seq, v=2)
    send(seq, producer="flowagg")
    p.send_multipart([b"alert", b"\xdf\xff\xff\xff\xff", b"\xdd\xff\xff\xff\xff"])
    send(seq, body=b"\xdd\xff\xff\xff\xff")
    send(seq + 5, {**body, "message": "after a gap"})
    rig.wait_for(lambda: "after a gap" in tail.output(), "the last alert", 15, tail)
    lines = [json.loads(x) for x in tail.output().splitlines() if x.startswith("{")]
    last = lines[-1]
    text = json.dumps(last, ensure_ascii=False)
    t.check("lurker tail prints what Python published", "after a gap" in text and str(2**63) in text, text)
    t.check("what is not of this version, not of this producer or malformed is not printed",
            all("message" in json.dumps(x) for x in lines))
    t.check("the gap was counted", last.get("missed") == 4, text)
    t.check("lurker tail lives", tail.poll() is None)
    p.close(0)
    running.pop().stop()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def keys_keep_strangers_out():
    keys, clients = place / "keys", place / "clients"
    clients.mkdir()
    for name in ("sensor", "friend", "stranger"):
        rig.Proc([rig.BIN / "lurker", "keygen", keys, name], "keygen", place / "keygen.log").wait()
    shutil.copy(keys / "friend.pub", clients)
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    bare = start("lurker-flowagg", "--state-dir", state_dir, "--endpoint", endpoint, name="bare")
    t.check("TCP without keys is refused, and why is said", bare.wait(15) != 0 and "CURVE" in bare.output(), bare.tail())
    service = start("lurker-flowagg", "--state-dir", state_dir, "--endpoint", endpoint, "--curve-secret", keys / "sensor.secret",
                    "--curve-clients", clients, name="curve")

    def key(name):
        return (keys / name).read_text().strip().encode()

    def curve(name):
        return subscriber(endpoint, b"", CURVE_SERVERKEY=key("sensor.pub"), CURVE_PUBLICKEY=key(f"{name}.pub"),
                          CURVE_SECRETKEY=key(f"{name}.secret"))
    # Our own programs as peers: a service inside its sandbox, and the front command.
    mine = ("--producers", f"flowagg={endpoint}", "--curve-secret", keys / "friend.secret", "--curve-server",
            keys / "sensor.pub")
    analyzer = start("lurker-analyzer", "--state-dir", state_dir, *mine, name="analyzer")
    tail = start("lurker", "tail", "--count", "2", "--envelope", "stat", *mine, name="tail-curve")
    t.check("lurker tail gets in", tail.wait(20) == 0 and '"producer":"flowagg"' in tail.output(), tail.tail())
    stranger, plain, friend = curve("stranger"), subscriber(endpoint, b""), curve("friend")
    t.check("a friend gets in", receive(friend) and receive(friend), service.tail())
    t.check("a stranger gets nothing", receive(stranger, 1) is None and receive(stranger, 1) is None)
    t.check("nor does who comes without encryption", receive(plain, 1) is None)
    t.check("a service with a key goes on in its sandbox", analyzer.poll() is None, analyzer.tail())
    t.check("the stranger is in the log", "subscriber refused" in service.output(), service.tail())
    for s in (stranger, plain, friend):
        s.close(0)


with t:
    try:
        a_service_is_heard()
        a_publisher_is_heard()
        keys_keep_strangers_out()
    finally:
        for proc in running:
            proc.stop()
        context.destroy(0)
        shutil.rmtree(place, ignore_errors=True)
