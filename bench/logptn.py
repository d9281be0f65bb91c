#!/usr/bin/python3
"""Compares logptn with wc -l, grep -c and the original algorithm on one core: lines per second, peak memory.

bench/logptn.py [LINES]

It makes two logs from the labelled sets in ../shared (raw lines with varied numbers): one like OpenSSH's,
one of all kinds. Without the sets, it makes both from lines in this file. --compat is slow, so it gets a
tenth of the lines.
"""
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LOGPTN = f'{ROOT}/build/bin/logptn'
SETS = f'{ROOT}/../shared/corpora/loghub/raw'
OWN = ['Jan  2 10:11:12 gate sshd[100]: Failed password for root from 10.0.0.1 port 50123 ssh2',
       'Jan  2 10:11:13 gate sshd[100]: Invalid user admin from 10.0.0.1',
       'Jan  2 10:11:14 gate sshd[101]: Connection closed by 10.0.0.1 [preauth]',
       '2024-01-02 10:11:15,123 INFO [worker-1] com.example.Pool: 12 of 40 connections in use']


def seeds(name):
    try:
        files = [f'{name}.log'] if name else sorted(os.listdir(SETS))
        lines = []
        for f in files:
            with open(f'{SETS}/{f}', encoding='utf8', errors='replace') as h:
                lines += h.read().split('\n')[:-1]
        return lines
    except OSError:
        return OWN


def make(path, name, count):
    """Makes lines in random order; varies the numbers that are not part of a name."""
    rng = random.Random(1)
    number = re.compile(r'(?<![A-Za-z0-9])[0-9]{2,}(?![A-Za-z0-9])')
    vary = lambda m: str(rng.randrange(10 ** (len(m[0]) - 1), 10 ** len(m[0])))
    lines = seeds(name)
    pool = [number.sub(vary, rng.choice(lines)) for _ in range(min(count, 200000))]
    with open(path, 'w', encoding='utf8') as f:
        for i in range(count):
            f.write(pool[i % len(pool)] if i < len(pool) else number.sub(vary, rng.choice(lines)) if i % 8 == 0
                    else rng.choice(pool))
            f.write('\n')


def run(command):
    """Returns the best of five runs: seconds, CPU seconds, and peak anonymous memory in MiB (without a mapped input)."""
    best, cpu, peak = None, None, 0
    for _ in range(5):
        with tempfile.TemporaryFile() as out:
            start = time.monotonic()
            p = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
            while True:
                pid, status, usage = os.wait4(p.pid, os.WNOHANG)
                if pid:
                    break
                try:
                    with open(f'/proc/{p.pid}/status') as f:
                        peak = max([peak] + [int(l.split()[1]) for l in f if l.startswith('RssAnon')])
                except (OSError, ProcessLookupError):
                    pass
                time.sleep(0.002)
            took = time.monotonic() - start
        p.returncode = os.waitstatus_to_exitcode(status)
        if p.returncode not in (0, 1):
            sys.exit(f'{command}: exit {p.returncode}')
        best = min(best or took, took)
        cpu = min(cpu or 1e9, usage.ru_utime + usage.ru_stime)
    return best, max(cpu, 1e-4), peak / 1024


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    if not os.access(LOGPTN, os.X_OK):
        sys.exit('build/bin/logptn is missing: ./dev build')
    rows = []
    with tempfile.TemporaryDirectory() as tmp:
        for kind, name in (('OpenSSH', 'OpenSSH'), ('all kinds', None)):
            path, small = f'{tmp}/log', f'{tmp}/small'
            make(path, name, count)
            with open(path, encoding='utf8') as f, open(small, 'w', encoding='utf8') as g:
                g.writelines(line for _, line in zip(range(count // 10), f))
            one = ['taskset', '-c', '0']
            for label, command, lines in (
                    ('wc -l', one + ['wc', '-l', path], count),
                    ('grep -c', one + ['grep', '-c', 'Failed', path], count),
                    ('logptn', one + [LOGPTN, '-q', '--threads', '1', path], count),
                    ('logptn, 2 threads', [LOGPTN, '-q', '--threads', '2', path], count),
                    ('logptn --compat', one + [LOGPTN, '-q', '--compat', small], count // 10)):
                seconds, cpu, peak = run(command)
                rows.append({'bench': 'logptn', 'log': kind, 'tool': label, 'lines': lines, 'seconds': round(seconds, 4),
                             'lines_per_s': round(lines / seconds),
                             'lines_per_cpu_s': round(lines / cpu), 'peak_anon_mib': round(peak, 1)})
    print(f'{"log":<11}{"tool":<19}{"lines":>10}{"lines/s":>14}{"lines/CPU s":>14}{"MiB":>8}')
    for r in rows:
        print(f'{r["log"]:<11}{r["tool"]:<19}{r["lines"]:>10,}{r["lines_per_s"]:>14,}{r["lines_per_cpu_s"]:>14,}{r["peak_anon_mib"]:>8}')
    for r in rows:
        print(json.dumps(r))


main()
