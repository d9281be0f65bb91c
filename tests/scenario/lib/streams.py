"""TCP conversations of a capture, as seen by the client: bytes sent, bytes acknowledged, bytes received."""

import collections
import ipaddress
import struct

import records


class Stream:
    """One connection of a client. All offsets count from the client's ISN + 1."""

    def __init__(self, key, isn):
        self.key, self.isn = key, isn
        self.sent = bytearray()      # 1 where a byte was sent
        self.data = bytearray()      # the bytes themselves, as far as the capture has them
        self.segments = self.again = 0
        self.acked = 0               # highest acknowledgment
        self.opened = self.fin = self.fin_back = self.reset_back = False
        self.back = bytearray()
        self.isn_back = None
        self.dupacks = self.sacks = 0
        self.early = 0               # acknowledgments of what had not been sent

    @property
    def bytes(self):
        return sum(self.sent)

    @property
    def whole(self):
        """Whether every byte that was sent was acknowledged, and nothing else."""
        return self.opened and len(self.sent) == self.bytes and self.acked - self.bytes in (0, 1) and not self.early


def parse(frame):
    """(src, sport, dst, dport, seq, ack, flags, payload length, payload, options, IP length) of TCP, else None.
    The snap length may cut the payload; the lengths are those in the headers."""
    kind = frame[12:14]
    if len(frame) < 54:
        return None
    if kind == b"\x08\x00" and frame[23] == 6:
        hdr, total = (frame[14] & 15) * 4, struct.unpack(">H", frame[16:18])[0]
        src, dst = frame[26:30], frame[30:34]
        total = total or len(frame) - 14
    elif kind == b"\x86\xdd" and frame[20] == 6:
        hdr, total = 40, struct.unpack(">H", frame[18:20])[0] + 40
        src, dst = frame[22:38], frame[38:54]
    else:
        return None
    seg = frame[14 + hdr:14 + total]
    sport, dport, seq, ack, off, flags = struct.unpack(">HHIIBB", seg[:14])
    header = (off >> 4) * 4
    return (str(ipaddress.ip_address(src)), sport, str(ipaddress.ip_address(dst)), dport, seq, ack, flags,
            total - hdr - header, seg[header:], seg[20:header], total)


def read(path, sensor):
    """The streams of the capture in the order of their SYNs; sensor(address) says whether it is the sensor's."""
    return of_frames((f for _, f, _ in records.packets(path)), sensor)


def of_frames(frames, sensor):
    """The same, from frames in the order of their arrival."""
    live, out = {}, []
    for frame in frames:
        p = parse(frame)
        if not p:
            continue
        src, sport, dst, dport, seq, ack, flags, n, data, options, _ = p
        if sensor(dst):
            key = (src, sport, dst, dport)
            if flags & 0x12 == 0x02 and (key not in live or live[key].isn != seq):
                live[key] = Stream(key, seq)
                out.append(live[key])
            s = live.get(key)
            if s is None:
                continue
            if n and not flags & 2:
                at = (seq - s.isn - 1) & 0xffffffff
                if at >= 1 << 31:
                    continue  # a keepalive before the first byte
                s.segments += 1
                if len(s.sent) < at + n:
                    s.sent.extend(bytes(at + n - len(s.sent)))
                s.again += any(s.sent[at:at + n])
                s.sent[at:at + n] = b"\1" * n
                s.data.extend(bytes(max(0, at + len(data) - len(s.data))))
                s.data[at:at + len(data)] = data
            s.fin |= bool(flags & 1)
        elif sensor(src):
            s = live.get((dst, dport, src, sport))
            if s is None:
                continue
            s.reset_back |= bool(flags & 4)
            s.fin_back |= bool(flags & 1)
            if flags & 0x12 == 0x12:
                s.opened, s.isn_back = True, seq
            elif s.opened:
                a = (ack - s.isn - 1) & 0xffffffff
                s.dupacks += a == s.acked
                s.early += a > len(s.sent) + s.fin
                s.acked = max(s.acked, a)
                s.sacks += 5 in kinds(options)
                if n:
                    at = (seq - s.isn_back - 1) & 0xffffffff
                    s.back.extend(bytes(max(0, at + n - len(s.back))))
                    s.back[at:at + n] = data
    return out


def kinds(options):
    """The option kinds present."""
    out, i = [], 0
    while i < len(options) and options[i]:
        out.append(options[i])
        i += 1 if options[i] == 1 else max(options[i + 1], 2) if i + 1 < len(options) else 40
    return out


def by_port(streams):
    out = collections.defaultdict(list)
    for s in streams:
        out[s.key[3]].append(s)
    return out
