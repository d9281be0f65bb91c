"""Makes frames and capture files: conversations, scans, and traffic that no sane host sends."""

import ipaddress
import struct

ETHER = bytes.fromhex("020000000002020000000001")
SYN, ACK, PSH, FIN, RST = 2, 16, 8, 1, 4


def fold(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ip(src, dst, proto, payload, ident=0, frag=0):
    """frag: the 16 bits with the flags and the offset."""
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, frag, 64, proto, 0,
                       ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed)
    return ETHER + b"\x08\0" + head[:10] + struct.pack(">H", fold(head)) + head[12:] + payload


def tcp(src, sport, dst, dport, seq, ack, flags, data=b""):
    segment = struct.pack(">HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff, 0x50, flags, 65535, 0, 0) + data
    pseudo = ipaddress.ip_address(src).packed + ipaddress.ip_address(dst).packed + struct.pack(">HH", 6, len(segment))
    return ip(src, dst, 6, segment[:16] + struct.pack(">H", fold(pseudo + segment)) + segment[18:])


def talk(src, sport, dst, dport, data, isn=1000):
    """The frames of a conversation: handshake, data in segments of 1,000 bytes, each acknowledged, FIN."""
    out = [tcp(src, sport, dst, dport, isn, 0, SYN), tcp(dst, dport, src, sport, 77, isn + 1, SYN | ACK),
           tcp(src, sport, dst, dport, isn + 1, 78, ACK)]
    at = isn + 1
    for i in range(0, len(data), 1000):
        part = data[i:i + 1000]
        out.append(tcp(src, sport, dst, dport, at, 78, ACK | PSH, part))
        at += len(part)
        out.append(tcp(dst, dport, src, sport, 78, at, ACK))
    return out + [tcp(src, sport, dst, dport, at, 78, ACK | FIN)]


def text(n):
    return f"conversation {n} ".encode() * (1 + n % 150)


def conversations(count, first=0, start_s=1_790_000_000, step_s=0.01, every_s=None):
    """(time in ns, frame) of so many conversations, one after the other, and a scanned port beside each."""
    out = []
    for n in range(first, first + count):
        at = start_s + (n - first) * (every_s or 20 * step_s)
        src, sport = f"10.{n // 60000 % 250}.{n // 250 % 240}.{n % 250 + 1}", 1024 + n % 60000
        frames = talk(src, sport, "203.0.113.9", 80, text(n))
        frames.append(tcp(src, sport + 1, "203.0.113.9", 23, 5, 0, SYN))
        out += [(int((at + i * step_s) * 1e9), f) for i, f in enumerate(frames)]
    return out


def write(path, packets):
    """Writes a nanosecond pcap of (time, frame), in the given order."""
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHIIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, 1))
        for ns, frame in packets:
            f.write(struct.pack("<IIII", ns // 10**9 & 0xffffffff, ns % 10**9, len(frame), len(frame)) + frame)
