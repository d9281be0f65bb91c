"""S3 for tests: a radosgw that verifies signatures, a proxy that injects faults, stand-ins that hand out
credentials, and an uploader with a queue. All of it runs in network, process and mount namespaces of its
own, so that ports and link-local addresses are free and nothing outlives the test."""

import hashlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import radosgw
import records
import rig
import sensor

AWS = ["/usr/bin/python3", "/usr/bin/aws"]  # Debian's, with its own Python
KEY, SECRET = "AKIDTEST", "SECRETTEST0123456789"
BUCKET = "lurker-test"
HTTP, HTTPS = f"http://127.0.0.1:{radosgw.HTTP_PORT}", f"https://127.0.0.1:{radosgw.HTTPS_PORT}"
INSIDE = "LURKER_TEST_INSIDE"


def enter(report, gateway=True):
    """Restarts the calling script once in namespaces of its own; skips the test if something is missing."""
    inside = os.environ.pop(INSIDE, None)
    # Once is enough: within, process ids begin anew, and what is named after them would meet that of other tests.
    rig.require(report, "ip", "unshare", *((*radosgw.PROGRAMS, AWS[1]) if gateway else ()), programs=["lurker-uploader"],
                root=not inside)
    if inside:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    os.execvpe("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc",
                           sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})


def hosts(*names):
    """Names for 127.0.0.1, in this mount namespace only."""
    with tempfile.NamedTemporaryFile("w", delete=False) as f:
        f.write("127.0.0.1 localhost " + " ".join(names) + "\n")
    os.chmod(f.name, 0o644)
    subprocess.run(["mount", "--bind", f.name, "/etc/hosts"], check=True)
    os.unlink(f.name)


def nameserver(place, name):
    """A name server for this mount namespace's resolver, which knows one name: 127.0.0.1."""
    wanted = b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0"
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    asked = []

    def serve():
        while True:
            query, peer = server.recvfrom(512)
            end = query.index(b"\0", 12) + 5
            question, kind = query[12:end], query[end - 4:end - 2]
            asked.append(question)
            known = question[:-4].lower() == wanted
            answer = known and kind == b"\0\1"
            head = query[:2] + (b"\x81\x80" if known else b"\x81\x83") + struct.pack("!4H", 1, answer, 0, 0)
            record = b"\xc0\x0c\0\1\0\1\0\0\0\x05\0\4\x7f\0\0\1" if answer else b""
            server.sendto(head + question + record, peer)

    threading.Thread(target=serve, daemon=True).start()
    file = place.dir / "resolv.conf"
    file.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:2\n")
    subprocess.run(["mount", "--bind", file, "/etc/resolv.conf"], check=True)
    place.ends.append(lambda: subprocess.run(["umount", "/etc/resolv.conf"], check=True))
    return asked


class Place:
    """A temporary directory and the processes started in it; all end with the context."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="lurker-s3-"))
        self.ends = []

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for end in reversed(self.ends):
            end()
        shutil.rmtree(self.dir, ignore_errors=True)
        return False


class Radosgw(radosgw.Gateway):
    """The gateway with one bucket. aws() runs Debian's awscli against it."""

    def __init__(self, place):
        super().__init__(place.dir / "rgw", KEY, SECRET)
        place.ends.append(self.close)
        self.aws("s3api", "create-bucket", "--bucket", BUCKET)

    def aws(self, *argv, endpoint=HTTP):
        env = {**environment(), "AWS_PAGER": ""}
        done = subprocess.run([*AWS, "--endpoint-url", endpoint, *map(str, argv)], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, env=env, timeout=120)
        if done.returncode:
            raise rig.Failed(f"aws {' '.join(map(str, argv))}: {done.stderr}")
        return done.stdout

    def fetch(self, prefix=""):
        """Fetches all objects with awscli: {key after prefix: bytes}."""
        with tempfile.TemporaryDirectory() as to:
            self.aws("s3", "cp", "--recursive", "--only-show-errors", f"s3://{BUCKET}/{prefix}", to)
            return {str(p.relative_to(to)): p.read_bytes() for p in pathlib.Path(to).rglob("*") if p.is_file()}

    def role(self):
        """Temporary credentials of a role, from the gateway's STS: (key id, secret, token)."""
        self._make_role("sensor", {"Action": ["sts:AssumeRole"], "Principal": {"AWS": ["arn:aws:iam:::user/test"]}})
        got = json.loads(self.aws("sts", "assume-role", "--role-arn", "arn:aws:iam:::role/sensor",
                                  "--role-session-name", "sensor"))["Credentials"]
        return got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"]

    def web_role(self, provider, audience):
        """Creates a role for holders of a token of the OpenID provider; returns its ARN."""
        self.aws("iam", "create-open-id-connect-provider", "--url", provider.url, "--client-id-list", audience,
                 "--thumbprint-list", provider.thumbprint)
        self._make_role("web", {"Action": ["sts:AssumeRoleWithWebIdentity"],
                                "Principal": {"Federated": [f"arn:aws:iam:::oidc-provider/{provider.name}"]},
                                "Condition": {"StringEquals": {f"{provider.name}:app_id": audience}}})
        return "arn:aws:iam:::role/web"

    def _make_role(self, name, who):
        def policy(statement):
            return compact({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
        may = {"Action": ["s3:PutObject"], "Resource": f"arn:aws:s3:::{BUCKET}/*"}
        self.aws("iam", "create-role", "--role-name", name, "--assume-role-policy-document", policy(who))
        self.aws("iam", "put-role-policy", "--role-name", name, "--policy-name", "put", "--policy-document", policy(may))


def environment(key=KEY, secret=SECRET, token=None, **more):
    """The test's environment without the caller's AWS settings, and with these keys unless key is None."""
    env = {k: v for k, v in rig.environment().items() if not k.startswith("AWS_") and "proxy" not in k.lower()}
    env.update(HOME="/nonexistent", AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true")
    if key:
        env.update(AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret)
    if token:
        env.update(AWS_SESSION_TOKEN=token)
    return {**env, **more}


class Uploader:
    """lurker-uploader and its queue. settings: its section of the configuration; the default store is S3."""

    def __init__(self, place, name, env=None, **settings):
        self.dir = place.dir / name
        self.state, self.run_dir = self.dir / "state", self.dir / "run"
        self.queue = self.state / "spool" / "queue" / "uploader"
        self.queue.mkdir(parents=True)
        self.settings = {"store": "s3", "s3_bucket": BUCKET, "s3_endpoint": HTTP, "s3_prefix": name, **settings}
        self.name, self.env, self.proc, self.made, self.n = name, env or environment(), None, {}, 0
        self.config = self.dir / "lurker.yml"
        self.bus = None
        place.ends.append(self.close)

    def add(self, count, size=1000):
        """Puts sealed files into the queue atomically, as flowagg does."""
        for _ in range(count):
            self.n += 1
            key = f"pcap/2026/01/02/{self.n // 1000:02}/{1767312000 + self.n}_192.0.2.1_203.0.113.7_40000_80.pcap"
            self.made[key] = os.urandom(size)
            path = self.queue / key
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.dir / "sealing"
            temporary.write_bytes(self.made[key])
            temporary.rename(path)
        return self

    def start(self, wrap=(), listen=False):
        if listen:
            self.bus = sensor.Bus(self.run_dir, keep=("object", "alert"))
        self.config.write_text(sensor.yaml({"sensor": "lab", "state_dir": str(self.state), "user": "",
                                            "run_dir": str(self.run_dir), "log_level": "debug",
                                            "uploader": self.settings}))
        self.proc = rig.Proc([*wrap, rig.program("lurker-uploader"), "-c", self.config], self.name,
                             self.dir / "log", env=self.env)
        return self

    def left(self):
        return sum(1 for _ in records.walk(self.queue))

    def wait_empty(self, timeout=40):
        rig.wait_for(lambda: self.left() == 0, f"empty queue of {self.name}", timeout, self.proc)
        return self

    def wait_log(self, text, timeout=20):
        rig.wait_for(lambda: text in self.proc.output(), f"'{text}' in the log of {self.name}", timeout, self.proc)
        return self

    def stop(self):
        return self.proc.stop()

    def close(self):
        if self.bus:
            self.bus.close()
            self.bus = None
        if self.proc and self.proc.poll() is None:
            self.proc.kill()


class Proxy:
    """An HTTP proxy between client and server. fault(number, head, length) names the fate of a request, with
    numbers from 0:

    None: passed on; "500", "503", "expired": answered with this error; "hang": never answered; "reset": the
    connection is reset in the middle of the body; "lost": passed on, but the response is dropped; "slow": the
    response comes at a byte per second.
    """

    EXPIRED = b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
    ANSWERS = {"500": (b"500 Internal Server Error", b"<Error><Code>InternalError</Code></Error>"),
               "503": (b"503 Slow Down", b"<Error><Code>SlowDown</Code></Error>"),
               "expired": (b"400 Bad Request", EXPIRED)}

    def __init__(self, place, fault=lambda n, head, length: None, upstream=("127.0.0.1", radosgw.HTTP_PORT), port=0):
        self.fault, self.upstream, self.seen, self.lock = fault, upstream, [], threading.Lock()
        self.counts, self.last = {}, None  # of requests by fault; when the last fault was made
        self.socket = socket.create_server(("127.0.0.1", port), backlog=256)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.running = True
        threading.Thread(target=self._accept, daemon=True).start()
        place.ends.append(self.close)

    def close(self):
        self.running = False
        self.socket.close()

    def _accept(self):
        while self.running:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            with client:
                while self._one(client):
                    pass
        except OSError:
            pass

    @staticmethod
    def _head(sock):
        data = b""
        while b"\r\n\r\n" not in data:
            more = sock.recv(65536)
            if not more:
                return None, b"", 0
            data += more
        head, rest = data.split(b"\r\n\r\n", 1)
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, value = line.split(b":", 1)
            if name.lower() == b"content-length":
                length = int(value)
        return head, rest, length

    def _one(self, client):
        head, body, length = self._head(client)
        if head is None:
            return False
        with self.lock:
            number = len(self.seen)
            self.seen.append([head, b""])
        fault = self.fault(number, head, length)
        with self.lock:
            self.counts[fault] = self.counts.get(fault, 0) + 1
            if fault:
                self.last = time.monotonic()
        if b"expect: 100-continue" in head.lower():
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(body) < length:
            if fault == "reset" and len(body) >= length // 2:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            more = client.recv(min(65536, length - len(body)))
            if not more:
                return False
            body += more
        self.seen[number][1] = body
        if fault == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if fault == "hang":
            client.recv(1)
            return False
        if fault in self.ANSWERS:
            status, text = self.ANSWERS[fault]
            client.sendall(b"HTTP/1.1 %s\r\nContent-Length: %d\r\nContent-Type: application/xml\r\n\r\n%s"
                           % (status, len(text), text))
            return True
        answer = self._pass_on(head, body)
        if fault == "lost":
            return False
        if fault == "slow":
            for i in range(len(answer)):
                client.sendall(answer[i:i + 1])
                time.sleep(1)
        client.sendall(answer)
        return True

    def _pass_on(self, head, body):
        head = b"\r\n".join(x for x in head.split(b"\r\n") if not x.lower().startswith(b"expect:"))
        with socket.create_connection(self.upstream) as server:
            server.sendall(head + b"\r\n\r\n" + body)
            answer, rest, length = self._head(server)
            while len(rest) < length:
                rest += server.recv(65536)
            return answer + b"\r\n\r\n" + rest


class Keys:
    """A stand-in for IMDSv2 and the container endpoint: hands out the given credentials, valid for this number of
    seconds. metadata: other entries of /latest/meta-data/, {path: function}."""

    def __init__(self, place, key, secret, token, address=("127.0.0.1", 0), metadata=None, seconds=3600):
        self.keys, self.asked, self.metadata, self.seconds = [(key, secret, token)], [], metadata or {}, seconds
        keys = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def answer(self, status, text=""):
                keys.asked.append((self.command, self.path, status))
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_PUT(self):
                good = self.path == "/latest/api/token" and self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
                self.answer(200 if good else 400, "imds-token")

            def do_GET(self):
                if self.path == "/container":
                    if self.headers.get("Authorization") != "container-token":
                        return self.answer(401)
                    return self.answer(200, keys.json())
                if self.headers.get("X-aws-ec2-metadata-token") != "imds-token":
                    return self.answer(401)
                roles = "/latest/meta-data/iam/security-credentials/"
                if self.path == roles:
                    return self.answer(200, "sensor-role")
                if self.path == roles + "sensor-role":
                    return self.answer(200, keys.json())
                value = keys.metadata.get(self.path.removeprefix("/latest/meta-data/"))
                return self.answer(200, value()) if value and value() else self.answer(404)

        self.server = http.server.ThreadingHTTPServer(address, Handler)
        self.url = f"http://{address[0]}:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        place.ends.append(self.server.shutdown)

    def expires(self):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.seconds))

    def json(self):
        key, secret, token = self.keys.pop(0) if len(self.keys) > 1 else self.keys[0]
        return json.dumps({"Code": "Success", "AccessKeyId": key, "SecretAccessKey": secret, "Token": token,
                           "Expiration": self.expires()})


def wrong_clock(place):
    """Builds a library to preload that shifts CLOCK_REALTIME by $TEST_CLOCK_SHIFT seconds."""
    source, library = place.dir / "clock.c", place.dir / "clock.so"
    source.write_text("""
        #include <stdlib.h>
        #include <sys/syscall.h>
        #include <time.h>
        #include <unistd.h>
        int clock_gettime(clockid_t id, struct timespec *t)
        {
            long rc = syscall(SYS_clock_gettime, id, t);
            const char *shift = getenv("TEST_CLOCK_SHIFT");
            if (id == CLOCK_REALTIME && shift)
                t->tv_sec += atol(shift);
            return (int)rc;
        }
    """)
    subprocess.run(["cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", library, source], check=True, capture_output=True)
    return library


def relay(place, address, port, to):
    """Forwards connections to address:port to `to`, byte for byte."""
    listener = socket.create_server((address, port), backlog=64)
    place.ends.append(listener.close)

    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def accept():
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(to)
            except OSError:
                return
            for pair in ((client, server), (server, client)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def compact(value):
    """JSON without spaces: radosgw does not decode them in a form."""
    return json.dumps(value, separators=(",", ":"))
