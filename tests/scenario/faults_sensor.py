#!/usr/bin/python3
"""Runs a small part of each case of ./dev faults about a whole sensor; faults_short.py runs the others."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.exit(subprocess.run([ROOT / "dev", "faults", "--short", "--sensor", "--tap"]).returncode)
