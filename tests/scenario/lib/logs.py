"""Stand-ins for the destinations of records and notifications: CloudWatch Logs and SNS, which verify
signatures with botocore and enforce their limits, and a webhook."""

import json
import threading
import time
import urllib.parse

import cloud
from endpoint import Server, handler_class, verify

LIMIT_EVENTS, LIMIT_BYTES, PER_EVENT = 10_000, 1_048_576, 26


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


def insights(events, limit=20):
    """The result of CloudWatch Logs Insights on (timestamp, message) for the origin's query:

    fields @timestamp, src_addr, dst_port, readable, strlen(readable) as len
    | filter len > 0 | sort @timestamp desc | limit 20
    """
    rows = []
    for when, message in events:
        record = json.loads(message)  # fields are discovered in JSON
        row = {"@timestamp": when, **{k: record.get(k) for k in ("src_addr", "dst_port", "readable")}}
        row["len"] = None if row["readable"] is None else len(row["readable"])
        if row["len"] is not None and row["len"] > 0:
            rows.append(row)
    return sorted(rows, key=lambda r: -r["@timestamp"])[:limit]


class Webhook(Server):
    """lines: the posted lines; fault(number) → (status, headers), or None."""

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


class Topics(Server):
    """SNS. told: the form of each Publish; keys: {id: secret}."""

    def __init__(self, place, keys):
        self.keys, self.told = {key: (secret, None) for key, secret in keys.items()}, []
        super().__init__(place, handler_class(self.post))

    def post(self, handler, body):
        wrong = verify(handler, body, self.keys)
        if wrong:
            code = "InvalidClientTokenId" if wrong.startswith("Unrec") else "SignatureDoesNotMatch"
            return 403, f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>", {}
        form = dict(urllib.parse.parse_qsl(body.decode()))
        if form.get("Action") != "Publish" or len(form.get("Message", "")) not in range(1, 262_145):
            return 400, "<ErrorResponse><Error><Code>InvalidParameter</Code></Error></ErrorResponse>", {}
        self.told.append(form)
        return 200, "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>", {}
