"""promtool from Debian's package prometheus."""

import pathlib
import shutil
import subprocess

import rig


def _find():
    """If the package is missing, unpacks it only: installing it would start a server."""
    place = rig.ROOT / "build-test" / "prometheus"
    unpacked = place / "usr" / "bin" / "promtool"
    if shutil.which("promtool") or unpacked.exists():
        return pathlib.Path(shutil.which("promtool") or unpacked)
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o777)  # apt downloads as an account of its own
    subprocess.run(["sh", "-c", "apt-get -q download prometheus && dpkg -x prometheus_*.deb . && rm prometheus_*.deb"],
                   cwd=place, capture_output=True, check=False)
    return unpacked if unpacked.exists() else None


TOOL = _find()
