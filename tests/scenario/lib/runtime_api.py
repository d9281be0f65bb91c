"""A stand-in for the Lambda Runtime API, and the events with which it invokes a function."""

import json
import threading
import time
import uuid

from endpoint import Server, handler_class

VERSION = "/2018-06-01/runtime/"


class Runtime(Server):
    """invoke(event) runs one invocation and returns ("response" or "error", body)."""

    def __init__(self, place):
        self.waiting, self.told, self.asked, self.init_errors = [], {}, 0, []
        self.seconds = {}  # of an invocation
        self.changed = threading.Condition()
        super().__init__(place, handler_class(self.answer))
        self.address = self.url.removeprefix("http://")

    def begin(self, event, seconds=30):
        """Hands out an event and returns its request id."""
        request = str(uuid.uuid4())
        with self.changed:
            self.seconds[request] = seconds
            self.waiting.append((request, event if isinstance(event, str) else json.dumps(event)))
            self.changed.notify_all()
        return request

    def invoke(self, event, seconds=30, timeout=40):
        request = self.begin(event, seconds)
        with self.changed:
            if not self.changed.wait_for(lambda: request in self.told, timeout):
                return "nothing", None
            return self.told[request]

    def answer(self, handler, body):
        path = handler.path.removeprefix(VERSION)
        if handler.command == "GET" and path == "invocation/next":
            with self.changed:
                self.asked += 1
                self.changed.notify_all()
                self.changed.wait_for(lambda: self.waiting)
                request, event = self.waiting.pop(0)
            return 200, event, {"Lambda-Runtime-Aws-Request-Id": request, "Content-Type": "application/json",
                                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self.seconds[request]) * 1000)),
                                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:1:function:f"}
        parts = path.split("/")
        if path == "init/error":
            self.init_errors.append(json.loads(body))
            return 202, '{"status":"OK"}', {}
        if handler.command == "POST" and len(parts) == 3 and parts[2] in ("response", "error"):
            with self.changed:
                self.told[parts[1]] = (parts[2], json.loads(body))
                self.changed.notify_all()
            return 202, '{"status":"OK"}', {}
        return 404, "{}", {}


def of_sqs(*bodies):
    """The event with which a queue invokes a function; the ids are m0, m1, …"""
    return {"Records": [{"messageId": f"m{i}", "receiptHandle": "h", "body": body, "attributes":
                         {"ApproximateReceiveCount": "1"}, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
                         "eventSourceARN": "arn:aws:sqs:us-east-1:1:flows"} for i, body in enumerate(bodies)]}


def of_sns(*texts):
    return {"Records": [{"EventVersion": "1.0", "EventSource": "aws:sns", "EventSubscriptionArn": "arn",
                         "Sns": {"Type": "Notification", "MessageId": str(uuid.uuid4()), "Message": text}}
                        for text in texts]}
