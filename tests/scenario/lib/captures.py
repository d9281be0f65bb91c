"""Makes capture files."""

import struct


def packet(sport, seq, flags, payload=b""):
    """An IPv4 packet of TCP from 192.0.2.1 to port 80 of 198.51.100.2."""
    tcp = struct.pack(">HHIIBBHHH", sport, 80, seq, 0, 0x50, flags, 1024, 0, 0) + payload
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, b"\xc0\0\2\1", b"\xc6\x33\x64\2") + tcp


def pcap(packets, begin=1700000000):
    out = struct.pack("<IHHIIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 101)
    for i, p in enumerate(packets):
        out += struct.pack("<IIII", begin + i, 5, len(p), len(p)) + p
    return out


def flow(sport, begin=1700000000):
    """A SYN and a request that contains the port."""
    return pcap([packet(sport, 1, 2), packet(sport, 2, 24, b"GET /%d HTTP/1.0\r\n\r\n" % sport)], begin)
