#!/usr/bin/python3
"""lurker-analyzer over files: it says what it did not look at, what it refuses and why, and what --diff and --ecs print."""

import gzip
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import captures
import rig

t = rig.Report("analyzer_files")
rig.require(t, programs=["lurker-analyzer"], root=False)


def run(*argv, stdin=b"", cwd=None):
    """Exit code, lines of standard output, standard error."""
    done = subprocess.run([rig.program("lurker-analyzer"), *map(str, argv)], cwd=cwd, input=stdin, capture_output=True,
                          timeout=60, env=rig.environment())
    return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode()


def linked(link, packets, order="<"):
    """A pcap of any link type and byte order."""
    out = struct.pack(order + "IHHIIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, link)
    return out + b"".join(struct.pack(order + "IIII", 1700000000 + i, 5, len(p), len(p)) + p for i, p in enumerate(packets))


def ip4(proto, payload):
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, proto, 0, b"\xc0\0\2\1", b"\xc6\x33\x64\2") + payload


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def ng_packet(interface, p):
    return block(6, struct.pack("<IIIII", interface, 0, 1, len(p), len(p)) + p)


def not_looked_at(d):
    syns = [captures.packet(1000 + i, 1, 2) for i in range(5)]
    many = ip4(4, ip4(4, ip4(4, ip4(4, ip4(4, syns[0])))))
    section = block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)) + block(1, struct.pack("<HHI", 101, 0, 0))
    cases = [  # file, its bytes, options, exit code, records, what is said
        ("link.pcap", linked(147, syns), [], 1, 0, "5 packets of link type 147, which is not known"),
        ("flows.pcap", linked(101, syns), ["--max-flows", 3], 1, 3, "2 packets of flows beyond --max-flows 3"),
        ("deep.pcap", linked(101, [many]), [], 1, 5, "1 packet deeper inside tunnels than is looked"),
        ("stray.pcapng", section + ng_packet(0, syns[0]) + ng_packet(7, syns[1]) + ng_packet(0, syns[2]), [], 1, 2,
         "1 packet of interfaces that the file does not describe"),
        ("broken.pcap", linked(101, [syns[0], b"\x45" + bytes(9)]), [], 0, 1, "1 packet whose headers are broken"),
        ("whole.pcap", linked(101, syns), [], 0, 5, None),
    ]
    for name, data, options, code, records, said in cases:
        (d / name).write_bytes(data)
        got, lines, err = run(*options, d / name)
        want = f"lurker-analyzer: {d / name}: not in the records: {said}\n" if said else ""
        t.check(f"not looked at: {name}", (got, len(lines), err) == (code, records, want), f"{got} {len(lines)} {err}")
    code, lines, err = run(d / "link.pcap", d / "whole.pcap", d / "deep.pcap", "--jobs", 2)
    t.check("each file has its line", code == 1 and len(lines) == 10 and err.count("\n") == 2, f"{code} {len(lines)} {err}")
    big = d / "big.pcap"
    big.write_bytes(linked(101, [captures.packet(i % 5000, 1, 24, b"x" * 1300) for i in range(26000)] + [b"\x45", many]))
    one, two = run(big), run("--jobs", 2, big)
    t.check("two processes that share a file say what one says", one == two and "1 packet deeper" in one[2]
            and "1 packet whose headers" in one[2], f"{one[0]} {one[2]} {two[0]} {two[2]}")
    big.unlink()


def filters(d):
    syns = [captures.packet(1000, 1, 2), captures.packet(1001, 1, 2)]
    for order in "<>":
        (d / "null.pcap").write_bytes(linked(0, [struct.pack(order + "I", 2) + p for p in syns], order))
        got = run("--filter", "tcp src port 1001", d / "null.pcap")
        t.check(f"--filter on BSD loopback, byte order {order}", got[0] == 0 and len(got[1]) == 1, got)
    (d / "raw.pcap").write_bytes(linked(101, syns))
    code, lines, err = run("--filter", "ether host 02:00:00:00:00:01", d / "raw.pcap")
    t.check("--filter that is not valid for the link type names the file", code == 1 and not lines and err.startswith(
        f"lurker-analyzer: {d / 'raw.pcap'}: --filter is not valid for link type 101: "), f"{code} {err}")


with t, tempfile.TemporaryDirectory() as place:
    d = pathlib.Path(place)
    not_looked_at(d)
    filters(d)
