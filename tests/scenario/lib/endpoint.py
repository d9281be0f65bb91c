"""HTTP endpoints for tests, and AWS's signatures, which botocore verifies."""

import datetime
import hmac
import http.server
import threading


def verify(handler, body, keys):
    """None if the request is signed with one of keys {id: (secret, token)}, else the name of the error."""
    from botocore.auth import S3SigV4Auth, SigV4Auth
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
    request = AWSRequest(handler.command, f"http://{handler.headers['Host']}{handler.path}", data=body,
                         headers={h: handler.headers[h] for h in signed})
    request.context["timestamp"] = sent
    auth = (S3SigV4Auth if service == "s3" else SigV4Auth)(Credentials(key, secret), service, region)
    right = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return None if hmac.compare_digest(right, fields["Signature"]) else "InvalidSignatureException"


class Server:
    """Listens on 127.0.0.1, on a free port unless one is given."""

    def __init__(self, place, handler, port=0):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.server.handle_error = lambda *about: None  # clients are killed
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        place.ends.append(self.server.shutdown)


def handler_class(answer_of):
    """answer_of(handler, body) → (status, text or bytes, headers), or None to send no response."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = answer_of(self, body)
            if answer is None:
                self.close_connection = True
                return
            status, text, headers = answer
            data = text if isinstance(text, bytes) else text.encode()
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:  # the client was killed
                self.close_connection = True

        do_GET = do_POST
    return Handler
