"""A stand-in for EC2's address calls (Query API), which verifies signatures with botocore, and for instance metadata."""

import threading
import urllib.parse
from xml.sax.saxutils import escape

import cloud
from endpoint import Server, handler_class, verify

INTERFACE, PRIVATE, MAC = "eni-0c0ffee", "10.77.0.5", "02:00:00:00:00:01"
FORM = ("DescribeAddresses", "AllocateAddress", "AssociateAddress", "ReleaseAddress", "CreateTags")


class Ec2(Server):
    """addresses: {allocation id: {"ip", "tags", "interface", "private"}}; calls: the received actions, in order.

    fault(number, action) names the fate of a call. None: done and answered; "before", "after": kill() is called
    before or after it is done, and it is not answered; "unsaid": neither done nor answered; "lost": done, but
    not answered; "hang": nothing happens until `go` is set; an error code: answered with it and not done.
    """

    STATUS = {"RequestLimitExceeded": 503, "UnauthorizedOperation": 403, "InternalError": 500}

    def __init__(self, place, quota=5, fault=lambda n, action: None, kill=None):
        self.addresses, self.calls, self.fault, self.kill, self.quota = {}, [], fault, kill, quota
        self.made, self.lock, self.go = 0, threading.Lock(), threading.Event()
        super().__init__(place, handler_class(self.post))

    def reset(self, fault=lambda n, action: None):
        self.calls, self.fault = [], fault

    def add(self, tags=None, interface=None, private=PRIVATE):
        self.made += 1
        name = f"eipalloc-{self.made:08x}"
        self.addresses[name] = {"ip": f"203.0.113.{self.made % 250}", "tags": tags or {}, "interface": interface,
                                "private": private if interface else None}
        return name

    def on_interface(self):
        return [n for n, a in self.addresses.items() if (a["interface"], a["private"]) == (INTERFACE, PRIVATE)]

    def error(self, code, status=None):
        return status or self.STATUS.get(code, 400), (
            f"<Response><Errors><Error><Code>{code}</Code><Message>as the stand-in has it</Message></Error></Errors>"
            "<RequestID>r</RequestID></Response>"), {"Content-Type": "text/xml"}

    def post(self, handler, body):
        form = dict(urllib.parse.parse_qsl(body.decode(), strict_parsing=True))
        action = form["Action"]
        wrong = verify(handler, body, {cloud.KEY: (cloud.SECRET, None), "ASIATEMP": ("TEMPSECRET", "TOKEN123")})
        with self.lock:
            number = len(self.calls)
            self.calls.append(action)
        if wrong:
            return self.error("AuthFailure", 401)
        if action not in FORM or form["Version"] != "2016-11-15":
            return self.error("InvalidAction")
        fault = self.fault(number, action)
        if fault == "hang":
            self.go.wait(30)
        if fault == "before":
            self.kill()
        if fault in ("before", "unsaid"):
            return None
        if fault not in (None, "after", "lost", "hang"):
            return self.error(fault)
        with self.lock:
            answer = getattr(self, action)(form)
        if fault == "after":
            self.kill()
        return None if fault in ("after", "lost") else answer

    @staticmethod
    def done(action, inside="<return>true</return>"):
        return 200, (f'<?xml version="1.0" encoding="UTF-8"?>\n<{action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
                     f"<requestId>r</requestId>{inside}</{action}Response>"), {"Content-Type": "text/xml"}

    @staticmethod
    def rows(form, head):
        """[(first, second)] of HEAD.n.X and HEAD.n.Y."""
        numbers = sorted({k.split(".")[len(head.split("."))] for k in form if k.startswith(head + ".")})
        return [[v for k, v in sorted(form.items()) if k.startswith(f"{head}.{n}.")] for n in numbers]

    def DescribeAddresses(self, form):
        out = ""
        wanted = self.rows(form, "Filter")
        for name, a in self.addresses.items():
            known = {"network-interface-id": a["interface"], **{f"tag:{k}": v for k, v in a["tags"].items()}}
            if not all(known.get(key) == value for key, value in wanted):
                continue
            tags = "".join(f"<item><key>{escape(k)}</key><value>{escape(v)}</value></item>" for k, v in a["tags"].items())
            held = (f"<instanceId>i-1</instanceId><associationId>eipassoc-{name[9:]}</associationId>"
                    f"<networkInterfaceId>{a['interface']}</networkInterfaceId>"
                    f"<privateIpAddress>{a['private']}</privateIpAddress>") if a["interface"] else ""
            out += (f"<item><publicIp>{a['ip']}</publicIp><allocationId>{name}</allocationId><domain>vpc</domain>{held}"
                    f"{f'<tagSet>{tags}</tagSet>' if tags else ''}</item>")
        return self.done("DescribeAddresses", f"<addressesSet>{out}</addressesSet>" if out else "<addressesSet/>")

    def AllocateAddress(self, form):
        if len(self.addresses) >= self.quota:
            return self.error("AddressLimitExceeded")
        if form["Domain"] != "vpc" or form["TagSpecification.1.ResourceType"] != "elastic-ip":
            return self.error("InvalidParameterValue")
        name = self.add(dict(self.rows(form, "TagSpecification.1.Tag")))
        return self.done("AllocateAddress", f"<publicIp>{self.addresses[name]['ip']}</publicIp><domain>vpc</domain>"
                                            f"<allocationId>{name}</allocationId>")

    def AssociateAddress(self, form):
        mine = self.addresses.get(form["AllocationId"])
        if not mine:
            return self.error("InvalidAllocationID.NotFound")
        if form["NetworkInterfaceId"] != INTERFACE:
            return self.error("InvalidNetworkInterfaceID.NotFound")
        place = (form["NetworkInterfaceId"], form["PrivateIpAddress"])
        if mine["interface"] and (mine["interface"], mine["private"]) != place and form["AllowReassociation"] != "true":
            return self.error("Resource.AlreadyAssociated")
        for a in self.addresses.values():
            if (a["interface"], a["private"]) == place:
                a["interface"] = a["private"] = None
        mine["interface"], mine["private"] = place
        return self.done("AssociateAddress", f"<return>true</return><associationId>eipassoc-{form['AllocationId'][9:]}</associationId>")

    def ReleaseAddress(self, form):
        mine = self.addresses.get(form["AllocationId"])
        if not mine:
            return self.error("InvalidAllocationID.NotFound")
        if mine["interface"]:
            return self.error("InvalidIPAddress.InUse")
        del self.addresses[form["AllocationId"]]
        return self.done("ReleaseAddress")

    def CreateTags(self, form):
        mine = self.addresses.get(form["ResourceId.1"])
        if not mine:
            return self.error("InvalidAllocationID.NotFound")
        mine["tags"].update(dict(self.rows(form, "Tag")))
        return self.done("CreateTags")


def metadata(ec2, first="198.51.100.77"):
    """The metadata of the instance; public-ipv4 follows the stand-in. first: the address before any Elastic IP."""
    macs = f"network/interfaces/macs/{MAC}/"

    def public():
        mine = ec2.on_interface()
        return ec2.addresses[mine[0]]["ip"] if mine else first
    return {"mac": lambda: MAC, macs + "interface-id": lambda: INTERFACE, macs + "local-ipv4s": lambda: f"{PRIVATE}\n10.77.0.6",
            "placement/region": lambda: "eu-central-1", "public-ipv4": public}

