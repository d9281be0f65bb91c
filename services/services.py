"""The rows of services.def for Python: tests, benches and docs/generate deal with every service alike by these."""

import collections
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
Row = collections.namedtuple("Row", "name summary start input network privileges after memory tasks advances")


def _rows():
    text = (HERE / "services.def").read_text()
    rows = [[x.strip().strip('"') for x in re.findall(r'"[^"]*"|[^,"]+', row.replace("\n", " ")) if x.strip()]
            for row in re.findall(r"^SERVICE\((.*?)\)$", text, re.M | re.S)]
    return tuple(Row(*row) for row in rows), tuple(re.findall(r"^COMMAND\((\w+)\)$", text, re.M))


ROWS, COMMANDS = _rows()  # COMMANDS: those of `lurker` with a section of the configuration
ALL = tuple(r.name for r in ROWS)  # in the order in which a packet passes
DEFAULT = tuple(r.name for r in ROWS if r.start == "DEFAULT")
# What makes objects and records of packets: all that a sensor runs but the readers of records; and that part of it which needs no
# interface.
SENSOR = tuple(r.name for r in ROWS if r.start == "DEFAULT" and r.input != "RECORDS")
BEHIND = tuple(r.name for r in ROWS if r.name in SENSOR and r.input != "WIRE")


def topics():
    """The topics of the bus, from proto/*.def."""
    return tuple(t for path in re.findall(r'^#include "(\w+\.def)"', (HERE.parent / "proto" / "messages.def").read_text(), re.M)
                 for t in re.findall(r'^MSG\(\w+, \w+, "\w+", "(\w+)"', (HERE.parent / "proto" / path).read_text(), re.M))
