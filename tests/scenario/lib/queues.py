"""Stand-ins for a worker's sources: an SQS queue with visibility timeouts, receive counts and a dead-letter
queue, and an S3 bucket. botocore verifies every signature."""

import json
import select
import socket
import threading
import time
import urllib.parse
import uuid

import cloud
from endpoint import Server, handler_class, verify

KEYS = {cloud.KEY: (cloud.SECRET, None)}


def gone(connection):
    readable, _, _ = select.select([connection], [], [], 0)
    try:
        return bool(readable) and not connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return True


class Message:
    def __init__(self, body):
        self.body, self.id, self.receives = body, str(uuid.uuid4()), 0
        self.visible, self.handle, self.first = 0.0, None, None


class Sqs(Server):
    """A queue with the JSON protocol. most: number of receives after which a message moves to .dead;
    fault(number, action) → status to answer with, "lost", or None; before(action) is called when a request has
    been read."""

    def __init__(self, place, most=1000, fault=lambda n, action: None, port=0):
        self.messages, self.dead, self.deleted, self.log = [], [], [], []
        self.most, self.fault, self.before, self.refused = most, fault, lambda action: None, []
        self.changed = threading.Condition()
        super().__init__(place, handler_class(self.answer), port)
        self.queue = f"{self.url}/123456789012/flows"

    def send(self, *bodies):
        with self.changed:
            self.messages += [Message(b) for b in bodies]
            self.changed.notify_all()

    def waiting(self):
        """The messages that are neither deleted nor dead."""
        with self.changed:
            return len(self.messages)

    def visible(self):
        with self.changed:
            return sum(m.visible <= time.monotonic() for m in self.messages)

    def receives(self):
        """The highest receive count of all messages, in the queue or deleted; or 0."""
        with self.changed:
            return max((m.receives for m in self.messages + self.deleted), default=0)

    @staticmethod
    def error(name, status=400):
        return status, json.dumps({"__type": f"com.amazonaws.sqs#{name}", "message": "as the stand-in has it"}), {}

    def answer(self, handler, body):
        action = handler.headers.get("X-Amz-Target", "").removeprefix("AmazonSQS.")
        with self.changed:
            number = len(self.log)
            self.log.append(action)
        self.before(action)
        wrong = verify(handler, body, KEYS)
        if wrong:
            self.refused.append(wrong)
            return self.error(wrong, 403)
        if handler.headers["Content-Type"] != "application/x-amz-json-1.0" or handler.path != "/":
            return self.error("SerializationException")
        fault = self.fault(number, action)
        if isinstance(fault, int):
            return self.error("InternalError" if fault >= 500 else "RequestThrottled", fault)
        request = json.loads(body)
        if request["QueueUrl"] != self.queue:
            return self.error("QueueDoesNotExist")
        done = {"ReceiveMessage": lambda r: self.receive(r, handler.connection), "DeleteMessageBatch": self.delete,
                "ChangeMessageVisibilityBatch": self.change}[action](request)
        return None if fault == "lost" else (200, json.dumps(done), {})

    def receive(self, r, connection):
        assert 1 <= r["MaxNumberOfMessages"] <= 10 and 0 <= r["WaitTimeSeconds"] <= 20
        deadline = time.monotonic() + r["WaitTimeSeconds"]
        with self.changed:
            while True:
                if gone(connection):  # nothing is handed out to whom has hung up
                    return {}
                got = self.take(r["MaxNumberOfMessages"], r["VisibilityTimeout"])
                if got or time.monotonic() >= deadline:
                    break
                self.changed.wait(0.05)
        return {"Messages": [{"MessageId": m.id, "ReceiptHandle": m.handle, "MD5OfBody": "0" * 32, "Body": m.body,
                              "Attributes": {"ApproximateReceiveCount": str(m.receives)}} for m in got]} if got else {}

    def take(self, most, seconds):
        got, now = [], time.monotonic()
        for m in list(self.messages):
            if m.visible > now or len(got) == most:
                continue
            if m.receives >= self.most:
                self.messages.remove(m)
                self.dead.append(m)
                continue
            m.receives += 1
            m.handle, m.visible = f"{m.id}/{m.receives}+=", now + seconds
            m.first = m.first or now
            got.append(m)
        return got

    def entries(self, r, each):
        assert 1 <= len(r["Entries"]) <= 10 and len({e["Id"] for e in r["Entries"]}) == len(r["Entries"])
        done, failed = [], []
        with self.changed:
            for e in r["Entries"]:
                code = each(next((m for m in self.messages if m.handle == e["ReceiptHandle"]), None), e)
                if code:
                    failed.append({"Id": e["Id"], "SenderFault": True, "Code": code, "Message": "as the stand-in has it"})
                else:
                    done.append({"Id": e["Id"]})
            self.changed.notify_all()
        return {"Successful": done, "Failed": failed}

    def delete(self, r):
        def one(m, e):
            if m:
                self.messages.remove(m)
                self.deleted.append(m)
            # An outdated handle is no error, and deletes nothing.
        return self.entries(r, one)

    def change(self, r):
        def one(m, e):
            now = time.monotonic()
            if not m or m.visible <= now:
                return "MessageNotInflight"
            m.visible = now + e["VisibilityTimeout"]
        return self.entries(r, one)


class Bucket(Server):
    """objects: {key: (bytes, metadata)}; fault(number, key) → status, "lost", "slow" (the response comes after
    .delay seconds), or None. If list_allowed is False, a missing object is reported as forbidden."""

    def __init__(self, place, name=cloud.BUCKET, fault=lambda n, key: None, port=0):
        self.name, self.objects, self.got, self.fault, self.list_allowed = name, {}, [], fault, True
        self.delay, self.before, self.lock = 0, lambda key: None, threading.Lock()
        super().__init__(place, handler_class(self.answer), port)

    @staticmethod
    def error(status, code):
        return status, f"<Error><Code>{code}</Code><Message>as the stand-in has it</Message></Error>", {}

    def put(self, key, data, sensor=None):
        self.objects[key] = (data, {"x-amz-meta-sensor": sensor} if sensor else {})

    def answer(self, handler, body):
        path = urllib.parse.unquote(handler.path.partition("?")[0])
        bucket, _, key = path.lstrip("/").partition("/")
        with self.lock:
            number = len(self.got)
            self.got.append(key)
        if verify(handler, body, KEYS):
            return self.error(403, "SignatureDoesNotMatch")
        self.before(key)
        fault = self.fault(number, key)
        if fault == "lost":
            return None
        if fault == "slow":
            time.sleep(self.delay)
        elif fault:
            return self.error(fault, "SlowDown" if fault == 503 else "InternalError")
        if bucket != self.name:
            return self.error(404, "NoSuchBucket")
        if key not in self.objects:
            return self.error(404, "NoSuchKey") if self.list_allowed else self.error(403, "AccessDenied")
        data, metadata = self.objects[key]
        return 200, data, metadata


def event(*keys, bucket=cloud.BUCKET, name="ObjectCreated:Put"):
    """S3's event for stored objects."""
    return json.dumps({"Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventName": name,
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
               "object": {"key": urllib.parse.quote_plus(k, safe="/"), "size": 1}}} for k in keys]})


def notification(text):
    """The same event through SNS, without raw delivery."""
    return json.dumps({"Type": "Notification", "MessageId": str(uuid.uuid4()), "TopicArn": "arn:aws:sns:us-east-1:1:t",
                       "Subject": "Amazon S3 Notification", "Message": text, "Timestamp": "2026-01-02T03:04:05.000Z",
                       "SignatureVersion": "1", "Signature": "x", "SigningCertURL": "x", "UnsubscribeURL": "x"})


class Topic(Server):
    """An SNS topic to which a queue subscribes, without raw delivery."""

    def __init__(self, place, sqs):
        self.sqs, self.refused, self.arn = sqs, [], "arn:aws:sns:us-east-1:123456789012:flows"
        super().__init__(place, handler_class(self.answer))

    def answer(self, handler, body):
        wrong = verify(handler, body, KEYS)
        form = dict(urllib.parse.parse_qsl(body.decode()))
        if wrong or form.get("Action") != "Publish" or form.get("TopicArn") != self.arn:
            self.refused.append(wrong or form)
            return Bucket.error(403, wrong or "InvalidParameter")
        self.sqs.send(notification(form["Message"]))
        return 200, "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>", {}


TEST_EVENT = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-01-02T03:04:05.000Z",
                         "Bucket": cloud.BUCKET, "RequestId": "x", "HostId": "y"})
