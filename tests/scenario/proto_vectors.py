#!/usr/bin/python3
"""Another implementation of msgpack reads our messages, and we read its messages: proto/vectors and python3-msgpack."""

import base64
import decimal
import json
import math
import pathlib
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import rig

t = rig.Report("proto_vectors")
GEN = rig.BIN / "proto_gen"
VECTORS = rig.ROOT / "proto" / "vectors"
rig.require(t, programs=("proto_gen",), root=False)
try:
    import msgpack
except ImportError:
    t.skip("no python3-msgpack")
    sys.exit(0)


def read_json(text):
    """Reads JSON and keeps the digits of its fractions."""
    return json.loads(text, parse_float=decimal.Decimal)


def close(a, b):
    """Whether two times are equal: a decimal is exact, a double may differ by one unit in the last place."""
    a, b = float(a), float(b)
    return a == b or math.nextafter(a, b) == b


def same(packed, text):
    """Whether an unpacked message equals its JSON."""
    if isinstance(packed, bool) or isinstance(text, bool):
        return packed is text
    if isinstance(packed, float):
        return isinstance(text, (decimal.Decimal, int, float)) and close(packed, text)
    if isinstance(packed, bytes):
        return packed == base64.b64decode(text, validate=True)
    if isinstance(packed, list) and isinstance(text, dict):  # a row
        return len(packed) == len(text) and all(map(same, packed, text.values()))
    if isinstance(packed, list):
        return isinstance(text, list) and len(packed) == len(text) and all(map(same, packed, text))
    if isinstance(packed, dict):
        return list(packed) == list(text) and all(same(v, text[k]) for k, v in packed.items())
    return type(packed) is type(text) and packed == text


def equal(a, b):
    """Whether two JSON texts are equal, with times as above."""
    if isinstance(a, decimal.Decimal) or isinstance(b, decimal.Decimal):
        return close(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(equal(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(equal, a, b))
    return a == b


def decode(name, data):
    return subprocess.run([GEN, "--decode", name], input=data, capture_output=True)


def accepts(name, value, want):
    done = decode(name, value if isinstance(value, bytes) else msgpack.packb(value, use_bin_type=True))
    return done.returncode == 0 and equal(read_json(done.stdout), want)


def refuses(name, data):
    done = decode(name, data)
    return done.returncode == 1 and not done.stdout


with t:
    names = sorted(p.stem for p in VECTORS.glob("*.msgpack"))
    t.check("there are vectors", len(names) >= 27, names)
    for stem in names:
        name = stem.partition(".")[0]
        data = (VECTORS / f"{stem}.msgpack").read_bytes()
        want = read_json((VECTORS / f"{stem}.json").read_text(encoding="utf-8"))
        value = msgpack.unpackb(data, raw=False, strict_map_key=True)
        good = t.check(f"{stem}: Python reads it, and it is its JSON", same(value, want), value)
        good = t.check(f"{stem}: what Python packs is read the same", good and accepts(name, value, want))
        if not good:
            continue
        backwards = {k: value[k] for k in reversed(value)}
        later = {"a_later_key": [1, {"x": None}, b"\xff"], **backwards, "another": msgpack.ExtType(5, b"12345")}
        t.check(f"{stem}: in another order and with keys of the future", accepts(name, later, want))
        # A sender of another language may use 32-bit floats or wider integers than needed.
        wide = b"\xdf" + struct.pack(">I", len(value)) + b"".join(
            b"\xdb" + struct.pack(">I", len(k)) + k.encode() +
            (b"\xcf" + struct.pack(">Q", v) if type(v) is int and v >= 0 else msgpack.packb(v, use_bin_type=True))
            for k, v in value.items())
        t.check(f"{stem}: in the widest encoding", accepts(name, wide, want))
        t.check(f"{stem}: refused when cut, and with a byte too many",
                refuses(name, data[:-1]) and refuses(name, data + b"\xc0") and refuses(name, b""))
        if "least" in stem:
            lacking = [{k: v for k, v in value.items() if k != gone} for gone in value]
            t.check(f"{stem}: refused without any of its required fields",
                    all(refuses(name, msgpack.packb(x)) for x in lacking))
