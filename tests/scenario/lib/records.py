"""Readers for the output of a sensor: records (JSON lines), capture files, the spool, and the bus."""

import base64
import gzip
import json
import os
import pathlib
import struct


def read(state, topic="analysis", **options):
    """All complete records of a topic, in order, without an unfinished last line. options: those of json."""
    out = []
    for path in sorted((pathlib.Path(state) / "records" / topic).glob("*.jsonl*")):
        data = (gzip.open if path.suffix == ".gz" else open)(path, "rb").read()
        out += [json.loads(line, **options) for line in data.split(b"\n")[:-1] if line.strip()]
    return out


class Follower:
    """Returns the lines of a topic as they are written, each once; records.read() is for few records."""

    CHUNK = 16 << 20

    def __init__(self, state, topic="analysis"):
        self.dir, self.at = pathlib.Path(state) / "records" / topic, {}

    def lines(self):
        for path in sorted(self.dir.glob("*.jsonl")):
            with open(path, "rb") as f:
                f.seek(self.at.setdefault(path.name, 0))
                rest = b""
                while more := f.read(self.CHUNK):
                    *whole, rest = (rest + more).split(b"\n")
                    self.at[path.name] += sum(map(len, whole)) + len(whole)
                    yield from whole


def payload(record):
    return base64.b64decode(record["payload"])


def walk(root):
    """The paths of the files under root, while services may remove folders."""
    for folder, _, names in os.walk(root):
        yield from (pathlib.Path(folder, name) for name in names)


def files(state):
    """The paths of the capture files under the state directory (spool queues and the local archive)."""
    return sorted(p for p in walk(state) if p.suffix == ".pcap")


def packets(path):
    """Yields (ts_ns, captured bytes, length on the wire) of each packet of a pcap file, without a torn last packet."""
    data = pathlib.Path(path).read_bytes()
    magic = data[:4]
    orders = {b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\x4d\x3c\xb2\xa1": ("<", 1),
              b"\xa1\xb2\xc3\xd4": (">", 1000), b"\xa1\xb2\x3c\x4d": (">", 1)}
    if magic not in orders:
        raise ValueError(f"{path}: no pcap file")
    order, unit = orders[magic]
    at = 24
    while at + 16 <= len(data):
        sec, frac, caplen, wirelen = struct.unpack(order + "IIII", data[at:at + 16])
        if at + 16 + caplen > len(data):
            return
        yield sec * 1_000_000_000 + frac * unit, data[at + 16:at + 16 + caplen], wirelen
        at += 16 + caplen


def tcp(frame):
    """(src, sport, dst, dport, flags, payload) of an untagged Ethernet frame with TCP, else None. Addresses are
    text; flags are letters of FSRPA."""
    import ipaddress
    if len(frame) < 34:
        return None
    kind = frame[12:14]
    if kind == b"\x08\x00" and frame[14] >> 4 == 4 and frame[23] == 6:
        ihl = (frame[14] & 15) * 4
        total = struct.unpack(">H", frame[16:18])[0]
        src, dst = frame[26:30], frame[30:34]
        seg = frame[14 + ihl:14 + total]
    elif kind == b"\x86\xdd" and frame[20] == 6:
        total = struct.unpack(">H", frame[18:20])[0]
        src, dst = frame[22:38], frame[38:54]
        seg = frame[54:54 + total]
    else:
        return None
    if len(seg) < 20:
        return None
    sport, dport = struct.unpack(">HH", seg[:4])
    flags = "".join(c for i, c in enumerate("FSRPA") if seg[13] >> i & 1)
    return (str(ipaddress.ip_address(src)), sport, str(ipaddress.ip_address(dst)), dport, flags,
            seg[(seg[12] >> 4) * 4:])
