"""Stand-ins for where the forwarder delivers: CloudWatch Logs, whose signatures botocore verifies and whose limits are
enforced, and a webhook."""

import datetime
import hmac
import http.server
import json
import threading
import time

import cloud

LIMIT_EVENTS, LIMIT_BYTES, PER_EVENT = 10_000, 1_048_576, 26


def verify(handler, body, keys):
    """None when the request is signed with one of keys {id: (secret, token)}; else the error's name."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    given = handler.headers.get("Authorization", "")
    if not given.startswith("AWS4-HMAC-SHA256 "):
        return "MissingAuthenticationTokenException"
    fields = dict(x.strip().split("=", 1) for x in given[17:].split(","))
    key, _, region, service, _ = fields["Credential"].split("/")
    if key not in keys:
        return "UnrecognizedClientException"
    secret, token = keys[key]
    if token and handler.headers.get("x-amz-security-token") != token:
        return "UnrecognizedClientException"
    sent = handler.headers["x-amz-date"]
    age = datetime.datetime.strptime(sent, "%Y%m%dT%H%M%SZ") - datetime.datetime.utcnow()
    if abs(age.total_seconds()) > 300:
        return "InvalidSignatureException"
    signed = fields["SignedHeaders"].split(";")
    needed = {"host", *(h.lower() for h in handler.headers if h.lower().startswith("x-amz-"))}
    if not needed <= set(signed):
        return "InvalidSignatureException"
    request = AWSRequest("POST", f"http://{handler.headers['Host']}{handler.path}", data=body,
                         headers={h: handler.headers[h] for h in signed})
    request.context["timestamp"] = sent
    auth = SigV4Auth(Credentials(key, secret), service, region)
    right = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return None if hmac.compare_digest(right, fields["Signature"]) else "InvalidSignatureException"


class Server:
    def __init__(self, place, handler):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        place.ends.append(self.server.shutdown)


def handler_class(post):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = post(self, body)
            if answer is None:  # the answer is lost
                self.close_connection = True
                return
            status, text, headers = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())
    return Handler


class CloudWatch(Server):
    """groups: {group: {stream: [(timestamp, message)]}}; fault(number) → status to answer with, "lost", or None."""

    def __init__(self, place, fault=lambda n: None):
        self.groups, self.requests, self.errors, self.fault = {}, [], [], fault
        self.lock = threading.Lock()
        super().__init__(place, handler_class(self.post))

    def error(self, name, status=400):
        self.errors.append(name)
        return status, json.dumps({"__type": name, "message": "as the stand-in has it"}), {}

    def post(self, handler, body):
        with self.lock:
            number = len(self.requests)
            action = handler.headers["X-Amz-Target"].removeprefix("Logs_20140328.")
            self.requests.append(action)
            wrong = verify(handler, body, {cloud.KEY: (cloud.SECRET, None)})
            if wrong:
                return self.error(wrong)
            fault = self.fault(number)
            if isinstance(fault, int):
                return self.error("ServiceUnavailableException" if fault >= 500 else "ThrottlingException", fault)
            answer = getattr(self, action)(json.loads(body))
            return None if fault == "lost" else answer

    def CreateLogGroup(self, r):
        if r["logGroupName"] in self.groups:
            return self.error("ResourceAlreadyExistsException")
        self.groups[r["logGroupName"]] = {}
        return 200, "", {}

    def CreateLogStream(self, r):
        if r["logGroupName"] not in self.groups:
            return self.error("ResourceNotFoundException")
        if r["logStreamName"] in self.groups[r["logGroupName"]]:
            return self.error("ResourceAlreadyExistsException")
        self.groups[r["logGroupName"]][r["logStreamName"]] = []
        return 200, "", {}

    def PutLogEvents(self, r):
        stream = self.groups.get(r["logGroupName"], {}).get(r["logStreamName"])
        if stream is None:
            return self.error("ResourceNotFoundException")
        events = [(e["timestamp"], e["message"]) for e in r["logEvents"]]
        times, now = [t for t, _ in events], time.time() * 1000
        size = sum(len(m.encode()) + PER_EVENT for _, m in events)
        if not 1 <= len(events) <= LIMIT_EVENTS or size > LIMIT_BYTES or times != sorted(times) or \
                times[-1] - times[0] >= 86_400_000 or any(len(m.encode()) + PER_EVENT > 262_144 for _, m in events):
            return self.error("InvalidParameterException")
        if times[0] < now - 14 * 86_400_000 or times[-1] > now + 7_200_000:
            return self.error("InvalidParameterException")  # a real one takes the others and names these
        stream += events
        return 200, "{}", {}


class Webhook(Server):
    """lines: what was posted; fault(number) → (status, headers), or None."""

    def __init__(self, place, token=None, fault=lambda n: None):
        self.lines, self.count, self.fault, self.token = [], 0, fault, token
        self.lock = threading.Lock()
        super().__init__(place, handler_class(self.post))

    def post(self, handler, body):
        with self.lock:
            number, self.count = self.count, self.count + 1
            if self.token and handler.headers.get("Authorization") != f"Bearer {self.token}":
                return 401, "", {}
            fault = self.fault(number)
            if fault:
                return fault[0], "", fault[1]
            self.lines += body.decode().splitlines()
            return 200, "", {}
