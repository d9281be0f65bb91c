#!/usr/bin/python3
"""A small part of each case of ./dev faults."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.exit(subprocess.run([sys.executable, ROOT / "tests" / "faults" / "run", "--short", "--tap"]).returncode)
