"""A wire between the client of a Lab and its sensor that drops, duplicates and reorders segments to ports 8030 to 8040."""

import rig

# Between the client's c0 and the wire, so the client's kernel does not see what is dropped or duplicated.
BAD = """
table netdev bad {
	chain away {
		type filter hook ingress device "c1" priority 0; policy accept;
		tcp dport 8030-8039 numgen random mod 100 < 4 drop
		tcp dport 8030-8039 numgen random mod 100 < 10 dup to "a0"
	}
	chain back {
		type filter hook ingress device "a0" priority 0; policy accept;
		tcp sport 8030-8039 numgen random mod 100 < 4 drop
	}
}
"""
# One segment in eight takes a slow path and arrives after the next ones.
REORDER = """
table ip reorder {
	chain o {
		type filter hook output priority 0; policy accept;
		tcp dport 8040 numgen random mod 8 == 0 meta priority set 1:20
	}
}
"""


def move_client(lab):
    """Moves the client's addresses from a0 to c0, behind a bridge: c0 - c1 = a0 - s0."""
    ip = lab.attacker.ip
    ip("address", "flush", "dev", "a0")
    ip("link", "add", "c0", "type", "veth", "peer", "name", "c1")
    ip("link", "add", "br0", "type", "bridge")
    for dev in ("c1", "a0"):
        ip("link", "set", dev, "master", "br0")
    lab.attacker.sysctl("net.ipv6.conf.c0.accept_dad", 0)
    for dev in ("c1", "br0", "c0"):
        ip("link", "set", dev, "up")
    # One segment per frame, so that a loss is a segment and not 64 KiB.
    ip("link", "set", "c0", "gso_max_segs", "1")
    ip("address", "add", f"{lab.attacker_addr}/24", "dev", "c0")
    ip("address", "add", f"{lab.attacker_addr6}/64", "dev", "c0", "nodad")
    ip("route", "replace", str(lab.prefix), "via", lab.sensor_addr)
    ip("-6", "route", "replace", str(lab.prefix6), "via", lab.sensor_addr6)
    lab.attacker.dev = "c0"
    reach = ["ping", "-c", "1", "-W", "1", lab.sensor_addr]
    rig.wait_for(lambda: lab.attacker.run(reach, check=False).returncode == 0, "a forwarding bridge", 10)


def lose(lab, begin=True):
    """Drops 4% in both directions and duplicates 10%, to ports 8030-8039, until lose(lab, False)."""
    lab.attacker.run(["nft", "-f", "-"] if begin else ["nft", "delete", "table", "netdev", "bad"], data=BAD)


def reorder(lab):
    """From now on, delays one segment in eight to port 8040. False: this kernel cannot."""
    tc = [["qdisc", "add", "dev", "c0", "root", "handle", "1:", "htb", "default", "10"],
          ["class", "add", "dev", "c0", "parent", "1:", "classid", "1:10", "htb", "rate", "400mbit"],
          ["class", "add", "dev", "c0", "parent", "1:", "classid", "1:20", "htb", "rate", "30mbit"]]
    if any(lab.attacker.run(["tc", *c], check=False).returncode for c in tc):
        return False
    lab.attacker.run(["nft", "-f", "-"], data=REORDER)
    return True
