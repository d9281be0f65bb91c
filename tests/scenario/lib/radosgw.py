"""A Ceph cluster with one monitor, one OSD in memory and one gateway, on 127.0.0.1 only: an S3 and STS
service that verifies signatures, payload hashes and tokens. It needs Debian's packages ceph-mon, ceph-osd,
radosgw and ceph-common, and starts in some seconds."""

import base64
import os
import pathlib
import signal
import subprocess
import uuid

import rig

HTTP_PORT, HTTPS_PORT, MON_PORT = 17480, 17443, 13300
PROGRAMS = ("ceph", "ceph-authtool", "ceph-mon", "ceph-osd", "monmaptool", "openssl", "radosgw", "radosgw-admin")
KMS_KEY = "sensor-key"  # a key of the gateway's own store, for encryption by the server

CONF = """
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{mon}/0]
ms bind msgr1 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = {dir}/keyring
run dir = {dir}
admin socket = {dir}/$name.asok
log file = {dir}/$name.log
pid file = {dir}/$name.pid
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
[mon]
mon data = {dir}/mon
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail warn = 1
mon data avail crit = 1
auth allow insecure global id reclaim = false
paxos propose interval = 0.05
paxos min wait = 0.01
[osd]
osd data = {dir}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
osd class load list = *
osd class default list = *
[client.rgw.a]
rgw data = {dir}/rgw
rgw frontends = beast endpoint=127.0.0.1:{http} ssl_endpoint=127.0.0.1:{https} ssl_certificate={dir}/c.pem ssl_private_key={dir}/k.pem
rgw dns name = s3.local
rgw s3 auth use sts = true
rgw sts key = sixteen-bytes-ok
rgw thread pool size = 8
rgw run sync thread = false
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = {kms}={secret}
"""


class Gateway:
    """The constructor starts it, close() ends it. .pids: its processes; .ca: the certificate to trust."""

    def __init__(self, directory, key, secret):
        self.dir, self.procs = pathlib.Path(directory), []
        self.ca = self.dir / "c.pem"
        for name in ("mon", "osd", "rgw"):
            (self.dir / name).mkdir(parents=True)
        try:
            self._certificate()
            self._monitor()
            self._osd()
            self._gateway()
            # An administrator, who may read the objects that roles stored.
            self.run("radosgw-admin", *self.conf, "user", "create", "--uid=test", "--display-name=test",
                     f"--access-key={key}", f"--secret={secret}", "--caps=roles=*;oidc-provider=*", "--admin")
        except BaseException:
            self.close()
            raise

    def run(self, *argv, timeout=60):
        done = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout)
        if done.returncode:
            raise rig.Failed(f"{' '.join(map(str, argv))}: {done.stderr[-2000:]}")
        return done.stdout

    def _start(self, name, *argv):
        proc = rig.Proc([*argv, *self.conf, "-f"], name, self.dir / f"{name}.out")
        self.procs.append(proc)
        return proc

    def _certificate(self):
        self.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=s3.local",
                 "-addext", "subjectAltName=DNS:s3.local,DNS:*.s3.local,IP:127.0.0.1",
                 "-keyout", self.dir / "k.pem", "-out", self.ca)

    def _monitor(self):
        fsid = str(uuid.uuid4())
        config = self.dir / "ceph.conf"
        config.write_text(CONF.format(dir=self.dir, fsid=fsid, mon=MON_PORT, http=HTTP_PORT, https=HTTPS_PORT,
                                      kms=KMS_KEY, secret=base64.b64encode(bytes(range(32))).decode()))
        self.conf = ("-c", config)
        ring, everything = self.dir / "keyring", "allow *"
        self.run("ceph-authtool", "--create-keyring", ring, "--gen-key", "-n", "mon.", "--cap", "mon", everything)
        for name, caps in (("client.admin", {"mon": everything, "osd": everything}),
                           ("osd.0", {"mon": "allow profile osd", "osd": everything}),
                           ("client.rgw.a", {"mon": "allow rw", "osd": "allow rwx"})):
            self.run("ceph-authtool", ring, "--gen-key", "-n", name, *sum((["--cap", *c] for c in caps.items()), []))
        names = self.dir / "monmap"
        self.run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{MON_PORT}]", names)
        self.run("ceph-mon", *self.conf, "--mkfs", "-i", "a", "--monmap", names, "--keyring", ring)
        self._start("mon", "ceph-mon", "-i", "a")

    def _osd(self):
        number = str(uuid.uuid4())
        self.run("ceph", *self.conf, "osd", "new", number, "0")  # waits for the monitor
        self.run("ceph-osd", *self.conf, "-i", "0", "--osd-uuid", number, "--mkfs")
        osd = self._start("osd", "ceph-osd", "-i", "0")
        rig.wait_for(lambda: " 1 up" in self.run("ceph", *self.conf, "osd", "stat"), "the OSD", 90, osd)

    def _gateway(self):
        gateway = self._start("rgw", "radosgw", "-n", "client.rgw.a")
        rig.wait_for(lambda: rig.listening(HTTP_PORT) and rig.listening(HTTPS_PORT), "the gateway", 120, gateway)

    def cpu(self):
        """The CPU seconds of all its processes so far."""
        ticks = 0
        for proc in self.procs:
            fields = pathlib.Path(f"/proc/{proc.pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def close(self):
        for proc in reversed(self.procs):
            proc.signal(signal.SIGKILL)
        for proc in self.procs:
            proc.wait()
        self.procs = []
