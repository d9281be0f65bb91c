"""An OpenID provider for tests: publishes its certificate and signs tokens (RS256) for an STS."""

import base64
import hashlib
import http.server
import json
import subprocess
import threading
import time


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Provider:
    def __init__(self, place):
        self.key, cert = place.dir / "idp-key.pem", place.dir / "idp.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=idp",
                        "-keyout", self.key, "-out", cert], check=True, capture_output=True)
        der = subprocess.run(["openssl", "x509", "-in", cert, "-outform", "DER"], check=True, capture_output=True).stdout
        self.thumbprint = hashlib.sha1(der).hexdigest().upper()
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_GET(self):
                answers = {"/.well-known/openid-configuration": {"issuer": provider.url, "jwks_uri": provider.url + "/keys"},
                           "/keys": {"keys": [{"kid": "1", "kty": "RSA", "alg": "RS256", "use": "sig",
                                               "x5c": [base64.b64encode(der).decode()]}]}}
                data = json.dumps(answers.get(self.path, {})).encode()
                self.send_response(200 if self.path in answers else 404)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.name = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = f"http://{self.name}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        place.ends.append(self.server.shutdown)

    def token(self, audience, seconds=3600):
        now = int(time.time())
        claims = {"iss": self.url, "sub": "lab", "aud": audience, "iat": now, "exp": now + seconds}
        text = ".".join(base64url(json.dumps(x).encode()) for x in ({"alg": "RS256", "typ": "JWT", "kid": "1"}, claims))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=text.encode(), check=True,
                                   capture_output=True).stdout
        return f"{text}.{base64url(signature)}"
