#!/usr/bin/python3
"""The well-known short algorithm, for comparison: sort segments by sequence number, drop overlap, fill gaps
with NUL. It is wrong in many cases (see the rules in services/analyzer/README.md); it only serves to show
its cost."""

import socket
import sys

import dpkt


def ends(ip):
    family = socket.AF_INET if isinstance(ip, dpkt.ip.IP) else socket.AF_INET6
    return socket.inet_ntop(family, ip.src), socket.inet_ntop(family, ip.dst)


flows = {}
with open(sys.argv[1], "rb") as f:
    for ts, frame in dpkt.pcap.Reader(f):
        ip = dpkt.ethernet.Ethernet(frame).data
        if not isinstance(ip, (dpkt.ip.IP, dpkt.ip6.IP6)) or not isinstance(ip.data, (dpkt.tcp.TCP, dpkt.udp.UDP)):
            continue
        src, dst = ends(ip)
        l4 = ip.data
        key = (src, l4.sport, dst, l4.dport, ip.p if isinstance(ip, dpkt.ip.IP) else ip.nxt)
        back = (dst, l4.dport, src, l4.sport, key[4])
        if back in flows:
            continue
        flow = flows.setdefault(key, {"ts": ts, "segments": []})
        if l4.data:
            flow["segments"].append((getattr(l4, "seq", len(flow["segments"])), bytes(l4.data)))
for key, flow in flows.items():
    payload = b""
    if key[4] == 6 and flow["segments"]:
        segments = sorted(flow["segments"])
        base = segments[0][0]
        for seq, data in segments:
            at = seq - base
            if at > len(payload):
                payload += b"\0" * (at - len(payload))
            payload += data[max(0, len(payload) - at):]
    else:
        payload = b"".join(d for _, d in flow["segments"])
    print(*key, flow["ts"], payload.hex())
