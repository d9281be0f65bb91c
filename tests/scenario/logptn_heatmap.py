#!/usr/bin/python3
"""The heatmap of logptn in a browser: opening, filtering, sorting, clicking, keyboard, screen reader.

$LOGPTN_SHOTS is a directory for screenshots.
"""

import os
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import browser
import rig

t = rig.Report("logptn_heatmap")
rig.require(t, programs=["logptn"], root=False)
CHROMIUM = browser.find()
if not CHROMIUM:
    t.skip("chromium is not installed")
    sys.exit(0)

NOUNS = [a + b for a in ("re", "un", "pre", "post", "sub", "over", "inter", "co") for b in
         ("queue", "table", "shard", "link", "volume", "journal", "lease", "quota", "index", "route", "policy", "cache", "bucket",
          "stream", "tunnel", "backup", "replica", "session", "ticket", "probe", "signal", "filter", "worker", "socket", "config",
          "module", "driver", "buffer", "packet", "thread", "kernel", "mirror", "region", "domain", "vector", "matrix")]


def make_log(path):
    """Makes lines of thousands of formats; one of them is rare and has text that must not become markup."""
    rng = random.Random(3)
    with open(path, "w", encoding="utf8") as f:
        for i in range(40000):
            stamp = f"2024-03-{1 + i // 8000:02} {i // 400 % 24:02}:{i // 7 % 60:02}:{i % 60:02}"
            if i == 31234:
                f.write(f"{stamp} gate web[7]: <script>alert(1)</script> & </script> refused for user eve\n")
            elif i % 3:
                f.write(f"{stamp} gate web[{i}]: request {i} from 10.0.{i % 7}.{i % 250} took {i % 90} ms\n")
            else:
                words = random.Random(rng.randrange(1500)).sample(NOUNS, 5)
                f.write(f"{stamp} gate app[{i}]: the {words[0]} of {words[1]} {words[2]} was {words[3]} by {words[4]} {i}\n")


def shot(page, name):
    if os.environ.get("LOGPTN_SHOTS"):
        page.screenshot(f"{os.environ['LOGPTN_SHOTS']}/{name}.png")


def dark(page, on):
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if on else "light"}])


def walk_through(page, formats, log):
    rows = lambda: page.eval("document.querySelectorAll('#rows tr').length")
    shown = lambda: page.eval("document.getElementById('shown').textContent")
    text = lambda s: page.eval(f"document.querySelector({s!r}).textContent")
    t.check("all formats are there", shown().startswith(f"{formats:,} of {formats:,} formats, 40,000 lines"), shown())
    t.check("rows are drawn as needed", 0 < rows() < formats, rows())
    t.check("the summary names the lines", "40,000 lines" in text("#summary"), text("#summary"))
    t.check("a legend", "most" not in text("#most") and text("#least") == "1 line", text("#legend"))
    shot(page, "open")

    page.eval("document.getElementById('wrap').scrollTop = 1e6")
    rig.wait_for(lambda: rows() > 100, "more rows after scrolling")
    t.check("more rows come by scrolling", True)
    page.eval("document.getElementById('wrap').scrollTop = 0")

    page.click("#filter")
    page.type("refused script")
    t.check("the filter finds one", shown().startswith("1 of"), shown())
    page.click("#rows tr td.cell[style]")
    t.check("a click shows where", page.eval("!document.getElementById('details').hidden")
            and "line 31,235" in text("#details") and f"sed -n '31235p' {log}" in text("#details"), text("#details"))
    t.check("examples and values are there", page.eval("document.querySelectorAll('#details .values tr').length") > 2, text("#details"))
    t.check("text is not markup", "<script>alert(1)</script> & </script> refused" in text("#details")
            and page.eval("document.scripts.length") == 2, text("#details"))
    shot(page, "details")
    page.click("#details .close")
    t.check("the details close", page.eval("document.getElementById('details').hidden"))
    page.eval("document.getElementById('filter').select()")
    page.type("request -was")
    page.hover("#rows tr .var[data-var='2']")
    t.check("hover shows a distribution", page.eval("!document.getElementById('tip').hidden")
            and page.eval("document.querySelectorAll('#tip .values tr').length") > 1, text("#tip"))
    page.hover("#rows tr td.cell[style]")
    t.check("hover on a cell shows its range", "lines, " in text("#tip"), text("#tip"))
    page.eval("document.getElementById('filter').select()")
    page.key("Backspace")
    page.type(" ")

    top = text("#rows tr td.total")
    page.click("#col-count button")
    t.check("the header orders", text("#rows tr td.total") == "1" and top != "1"
            and page.eval("document.getElementById('col-count').getAttribute('aria-sort')") == "ascending", top)
    page.click("#col-text button")
    first = [page.eval(f"document.querySelectorAll('#rows tr th')[{i}].textContent") for i in (0, 5, 20)]
    t.check("by text", page.eval("document.getElementById('col-text').getAttribute('aria-sort')") == "ascending", first)
    page.click("#col-count button")

    page.eval("document.querySelector('#rows tr th').focus()")
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight"):
        page.key(key)
    at = page.eval("[document.activeElement.closest('tr').dataset.row, document.activeElement.dataset.col]")
    t.check("arrow keys move", at == ["1", "1"], at)
    t.check("focus shows what is there", page.eval("!document.getElementById('tip').hidden"))
    page.key("Enter")
    t.check("Enter opens", page.eval("!document.getElementById('details').hidden"))
    page.key("Escape")
    t.check("Escape closes and focus returns", page.eval("document.getElementById('details').hidden")
            and page.eval("document.activeElement.dataset.col") == "1")
    page.key("/")
    t.check("/ goes to the filter", page.eval("document.activeElement.id") == "filter")

    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = {n["role"]["value"] for n in nodes if "role" in n}
    t.check("a screen reader finds a table with headers", {"table", "columnheader", "rowheader", "row", "searchbox"} <= roles, roles)
    names = {n["name"]["value"] for n in nodes if n.get("role", {}).get("value") == "columnheader" and "name" in n}
    t.check("columns are named by their ranges", any(" to " in n for n in names), sorted(names)[:5])
    unnamed = [n for n in nodes if n.get("role", {}).get("value") in ("button", "searchbox", "combobox")
               and not n.get("name", {}).get("value")]
    t.check("every control has a name", not unnamed, unnamed)


with t, tempfile.TemporaryDirectory() as tmp:
    log = pathlib.Path(tmp) / "big.log"
    make_log(log)
    formats = len(subprocess.run([rig.program("logptn"), "-q", log], capture_output=True, text=True, check=True).stdout.splitlines())
    t.check("the log has thousands of formats", formats >= 1000, formats)
    for by in ("lines", "time"):
        subprocess.run([rig.program("logptn"), "-q", "-d", "heatmap", "--by", by, "-o", f"{tmp}/{by}.html", log], check=True)
    page_text = pathlib.Path(f"{tmp}/lines.html").read_text()
    t.check("nothing is loaded from elsewhere", "src=" not in page_text and "@import" not in page_text and "<link" not in page_text)
    with browser.Browser(CHROMIUM) as page:
        dark(page, False)
        page.open(f"file://{tmp}/lines.html")
        walk_through(page, formats, log)
        page.open(f"file://{tmp}/time.html")
        t.check("ranges of time", "2024-03-01 00:00:00 to" in page.eval("document.querySelector('th.bin').textContent"))
        light = page.eval("getComputedStyle(document.body).backgroundColor")
        dark(page, True)
        night = page.eval("getComputedStyle(document.body).backgroundColor")
        t.check("dark mode", light == "rgb(255, 255, 255)" and night != light, (light, night))
        page.click("#rows tr td.cell[style]")
        shot(page, "dark")
        t.check("no complaints", not page.complaints(), page.complaints())
