#!/usr/bin/python3
"""lurker-analyzer on files: what it reports as not analysed, what it refuses and why, and the output of --diff and --ecs."""

import json
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
    """Returns exit code, lines of standard output, standard error."""
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
    big.write_bytes(section + b"".join(ng_packet(i % 26 // 25, captures.packet(i % 5000, 1, 24, b"x" * 1300)) for i in range(26000)))
    one, two = run(big), run("--jobs", 2, big)
    t.check("and of a pcapng file too", one == two and one[2].endswith(
        f"{big}: not in the records: 1000 packets of interfaces that the file does not describe\n"), f"{one[2]} {two[2]}")
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


def differences(d):
    here = d / "one"
    here.mkdir()
    (here / "a.pcap").write_bytes(captures.flow(1001))
    (here / "b.pcap").write_bytes(captures.flow(1002))
    old = d / "old.jsonl"
    _, records, _ = run("a.pcap", "b.pcap", cwd=here)
    old.write_text("\n".join(records + records[:1]) + "\n")
    for how in (["./a.pcap", "b.pcap"], ["../one/a.pcap", here / "b.pcap"], ["."]):
        got = run("--diff", old, *how, cwd=here)
        t.check(f"--diff finds {how[0]}, a record that came twice, the same", got == (0, [], ""), got)
    with open(here / "a.pcap", "rb") as f:
        done = subprocess.run([rig.program("lurker-analyzer"), "-"], stdin=f, capture_output=True, check=False,
                              env=rig.environment())
    t.check("a file as standard input is that file", done.stdout.decode().splitlines() == records[:1], done)
    got = run("--diff", old, "--sensor", "another", here)
    t.check("--diff without any match says what a flow_id depends on", got[0] == 1 and len(got[1]) == 4
            and "no record is in both" in got[2] and "--sensor" in got[2], got)
    got = run("--diff", old, here / "a.pcap", here / "none.pcap")
    t.check("--diff with a match does not", "no record" not in got[2], got)
    ids = [json.loads(run("-", stdin=captures.flow(port))[1][0])["flow_id"] for port in (1, 2, 1)]
    t.check("two streams have different identities, one the same twice", ids[0] == ids[2] != ids[1], ids)
    archived = d / "objects/pcap/2026/11/21/10"
    archived.mkdir(parents=True)
    (archived / "x.pcap").write_bytes(captures.flow(1003))
    both = [json.loads(run(*a)[1][0]) for a in ([archived / "x.pcap"],)]
    both.append(json.loads(run("x.pcap", cwd=archived)[1][0]))
    both.append(json.loads(run("pcap/2026/11/21/10/x.pcap", cwd=d / "objects")[1][0]))
    t.check("a file of an archive is the same however it is reached", both[0] == both[1] == both[2], both)


def refusals(d):
    (d / "good.pcap").write_bytes(captures.flow(1001))
    (d / "bad.mmdb").write_text("none")
    (d / "bad.jsonl").write_text("nonsense\n")
    xz = d / "x.pcap.xz"
    xz.write_bytes(b"\xfd7zXZ\0" + bytes(50))
    good = d / "good.pcap"
    for argv, code, said in [
            (["--diff", "/nope", good], 2, "--diff /nope: No such file or directory"),
            (["--diff", d / "bad.jsonl", good], 2, f"--diff {d / 'bad.jsonl'}: line 1 is not a record"),
            (["--diff", "-", good], 2, "--diff -: standard input cannot be read twice, give a file"),
            (["--diff", good], 2, "--diff needs files: without, this is the service (see --help)"),
            (["--table"], 2, "--table needs files: without, this is the service (see --help)"),
            (["--filter", "tcp"], 2, "--filter needs files: without, this is the service (see --help)"),
            (["--filter", "foo(", good], 2, "--filter: "),
            (["--table", "--ecs", good], 2, "choose one of --json, --table, --ecs and --diff"),
            (["--geo-place", "/nope", good], 2, "--geo-place /nope: No such file or directory"),
            (["--geo-asn", d / "bad.mmdb", good], 2, f"--geo-asn {d / 'bad.mmdb'}: not a MaxMind DB file"),
            (["--check", "--geo-asn", d / "bad.mmdb"], 2, f"--geo-asn {d / 'bad.mmdb'}: not a MaxMind DB file"),
            (["--stream-bytes", "1", good], 2, '--stream-bytes: "1" is not valid'),
            ([xz], 1, f"{xz}: not a capture file, but compressed with xz (only gzip is read) at byte 0")]:
        got = run(*argv)
        t.check(f"{' '.join(str(a) for a in argv if a != good)}".replace(str(d), "…"), got[0] == code and not got[1]
                and got[2].startswith("lurker-analyzer: " + said), got)
    got = run("--check", "--geo-place", "/nope")
    t.check("--check of the service warns of a GeoIP file that is not there", got[0] == 0 and "/nope" in got[2], got)
    data = captures.flow(1001)
    for keep, said in [(len(data) - 1, "the record before that is kept"), (30, "no record before that")]:
        (d / "cut.pcap").write_bytes(data[:keep])
        got = run(d / "cut.pcap")
        t.check(f"a file that breaks: {said}", got[0] == 1 and got[2].endswith(f": {said}\n"), got)


def ecs(d):
    request = b"GET /x HTTP/1.1\r\nHost: %s\r\nUser-Agent: curl/8\r\n\r\n"
    packets = [captures.packet(7, 1, 2)]  # a bare SYN: what history says of it comes last
    hosts = {b"a.example": ("a.example", None), b"a:2375": ("a", 2375), b"[2001:db8::1]:80": ("[2001:db8::1]", 80),
             b"[::1]": ("[::1]", None), b"x:y": ("x:y", None), b"h:": ("h", None)}
    for i, host in enumerate(hosts):
        packets += [captures.packet(2000 + i, 1, 2), captures.packet(2000 + i, 2, 24, request % host)]
    name = b"\7version\4bind\0"
    dns = struct.pack(">HHHHHH", 1, 0x100, 1, 0, 0, 0) + name + struct.pack(">HH", 16, 3)
    packets.append(ip4(17, struct.pack(">HHHH", 53, 53, 8 + len(dns), 0) + dns))
    packets.append(ip4(1, b"\x0b\1" + bytes(30)))
    packets.append(ip4(47, struct.pack(">HH", 0, 0x0800) + ip4(2, bytes(8))))
    packets.append(ip4(200, bytes(8)))
    (d / "ecs.pcap").write_bytes(captures.pcap(packets))
    _, lines, _ = run("--ecs", d / "ecs.pcap")
    plain = [json.loads(x) for x in run(d / "ecs.pcap")[1]]
    docs = [json.loads(x) for x in lines]
    t.check("--ecs: one document a record", len(docs) == len(plain) == 12, f"{len(docs)} {len(plain)}")
    dotted = [k for x in docs for k in x if "." in k]
    t.check("--ecs: every field is nested", not dotted, dotted)
    for field in ("tool", "tool_reason", "first_seen", "two_phase"):
        want, got = [r.get(field) for r in plain], [x.get("lurker", {}).get(field) for x in docs]
        t.check(f"--ecs: lurker.{field} is the record's", want == got and (any(want) or field == "two_phase"), f"{want} {got}")
    urls = [(x["url"]["domain"], x["url"].get("port")) for x in docs if "url" in x and "domain" in x["url"]]
    t.check("--ecs: host and port", urls == list(hosts.values()), urls)
    wire = [(x["network"].get("transport"), x["network"]["iana_number"]) for x in docs]
    t.check("--ecs: transport and its number", {("tcp", "6"), ("udp", "17"), ("icmp", "1"), ("gre", "47"), ("igmp", "2"),
                                                (None, "200")} == set(wire), wire)
    by_number = {x["network"]["iana_number"]: x for x in docs}
    icmp = by_number["1"]
    t.check("--ecs: ICMP has type and code, not ports", icmp["lurker"]["icmp"] == {"type": 11, "code": 1}
            and "port" not in icmp["source"] and "port" not in icmp["destination"], icmp)
    t.check("--ecs: no ports where there are none", "port" not in by_number["47"]["source"], by_number["47"])
    t.check("--ecs: class of a question", by_number["17"]["dns"]["question"].get("class") == "CH", by_number["17"])
    t.check("--ecs: length of the payload is not what went over the wire", docs[1]["lurker"]["payload_len"] > 0
            and "bytes" not in docs[1]["source"], docs[1])


with t, tempfile.TemporaryDirectory() as place:
    d = pathlib.Path(place)
    not_looked_at(d)
    filters(d)
    differences(d)
    refusals(d)
    ecs(d)
