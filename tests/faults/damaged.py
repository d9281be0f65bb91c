"""The audit of a damaged state directory never says that everything is accounted for."""

import shutil
import subprocess

import frames
from pipeline import Pipeline, rig


def entries(p):
    return sorted((p.state / "spool/queue").rglob("*.pcap"))


def middle(path):
    """Writes 64 NUL bytes into the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2:len(data) // 2 + 64] = b"\xff" * 64
    path.unlink()  # it may have other names
    path.write_bytes(data)


def first(p, place):
    return sorted((p.state / place).rglob("*.pcap"))[0]


def null_marks(p):
    """Lines that are JSON, only not what anybody writes."""
    for path in (p.state / "stat/capture").glob("*.jsonl"):
        path.write_text(path.read_text().replace('"mark":"start"', '"mark":null'))
    alerts = p.state / "records/alert"
    alerts.mkdir(parents=True, exist_ok=True)
    (alerts / "2026-01-01.jsonl").write_text('{"kind":null}\n[1]\n"x"\n{"kind":{}}\nnull\n')
    day = sorted((p.state / "records/analysis").glob("*.jsonl"))[0]
    day.write_text('{"flow_id":null,"src_addr":null,"readable":null,"proto":null}\n' + day.read_text())


# what is done; to which state (journal: capture only, queued: flowagg too, final: all); options; must the exit code be 0
DAMAGE = {
    "nothing, journalled": (lambda p: None, "journal", (), True),
    "nothing, queued": (lambda p: None, "queued", (), True),
    "nothing, all done": (lambda p: None, "final", (), True),
    "nothing, a period": (lambda p: None, "final", ("--since", "1h"), True),
    "nulls": (null_marks, "final", (), True),
    "a time of which nothing is known": (lambda p: None, "final", ("--since", "2020-01-01", "--until", "2020-01-02"), False),
    "journal removed, journalled": (lambda p: [f.unlink() for f in (p.state / "journal").glob("*.pcap")], "journal", (), False),
    "journal damaged, journalled": (lambda p: middle(first(p, "journal")), "journal", (), False),
    "stat/capture removed": (lambda p: shutil.rmtree(p.state / "stat/capture"), "final", (), False),
    "stat/flowagg removed": (lambda p: shutil.rmtree(p.state / "stat/flowagg"), "queued", (), False),
    "stat/uploader removed": (lambda p: shutil.rmtree(p.state / "stat/uploader"), "final", (), False),
    "stat/analyzer removed": (lambda p: shutil.rmtree(p.state / "stat/analyzer"), "final", (), False),
    "objects removed": (lambda p: shutil.rmtree(p.state / "objects"), "final", (), False),
    "an object removed": (lambda p: first(p, "objects").unlink(), "final", (), False),
    "an object removed, a period": (lambda p: first(p, "objects").unlink(), "final", ("--since", "1h"), False),
    "an object cut": (lambda p: first(p, "objects").write_bytes(first(p, "objects").read_bytes()[:-1]), "final", (), False),
    "records removed": (lambda p: shutil.rmtree(p.state / "records"), "final", (), False),
    "queue entries removed": (lambda p: [f.unlink() for f in entries(p)], "queued", (), False),
    "spool removed": (lambda p: shutil.rmtree(p.state / "spool"), "queued", (), False),
}


def audit(case, short):
    with Pipeline() as journal, Pipeline() as queued, Pipeline() as final:
        path = journal.dir / "in.pcap"
        frames.write(path, frames.conversations(20))
        case.require(journal.feed(path) == 0, journal.procs[-1].tail())
        for p, before in ((queued, journal), (final, queued)):
            subprocess.run(["cp", "-a", before.state, p.state], check=True)
            if p is queued:
                p.work_off(["flowagg"], finished=lambda: queued.taken_in() and queued.queue("analyzer"))
            else:
                p.work_off(["uploader", "analyzer"])
        states = {"journal": journal, "queued": queued, "final": final}
        for name, (damage, of, options, good) in DAMAGE.items():
            with Pipeline(template=states[of]) as p:
                damage(p)
                said = p.audit(*options)
                case.times += 1
                case.require(said.returncode == (0 if good else 1) and
                             ("Every packet is accounted for." in said.stdout) == good, f"{name}: exit code {said.returncode}\n{said.stdout}{said.stderr}")
                if name == "nulls":
                    for more in ((), ("--count-by", "src_addr"), ("--text", "x"), ("--address", "10.0.0.1")):
                        found = subprocess.run([rig.program("lurker"), "query", "--state-dir", p.state, *more],
                                               capture_output=True, text=True)
                        case.require(found.returncode == 0, f"query {more}: {found.returncode}\n{found.stderr}")


CASES = {"audit-damaged": audit}
