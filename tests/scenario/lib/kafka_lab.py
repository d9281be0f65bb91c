"""A Kafka cluster for tests (librdkafka's mock brokers as a process), a consumer with another implementation
of the protocol, and a front end for TLS and SASL, which the mock brokers do not support."""

import pathlib
import socket
import ssl
import struct
import subprocess
import threading

import rig

API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE = 18, 17, 36
PRODUCE, METADATA, INIT_PRODUCER_ID = 0, 3, 22


class Cluster:
    """do(command): see kafka_cluster.c."""

    def __init__(self, place, brokers=3):
        program = place.dir / "kafka_cluster"
        if not program.exists():
            source = pathlib.Path(__file__).with_name("kafka_cluster.c")
            subprocess.run(["cc", "-D_GNU_SOURCE", "-o", program, source, "-lrdkafka"], check=True, capture_output=True)
        self.proc = subprocess.Popen([program, str(brokers)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL, text=True)
        place.ends.append(self.close)
        self.brokers = self.proc.stdout.readline().removeprefix("ready ").strip()

    def do(self, command):
        self.proc.stdin.write(command + "\n")
        self.proc.stdin.flush()
        if self.proc.stdout.readline() != "done\n":
            raise rig.Failed(f"the cluster does not understand: {command}")

    def close(self):
        self.proc.stdin.close()
        self.proc.wait(20)


class Consumer:
    """Reads a topic from its beginning in a thread of its own; the brokers keep only the last megabytes."""

    def __init__(self, place, cluster, topic, partitions):
        import kafka
        self.got = []  # (partition, key, value, timestamp in ms), in order of arrival
        self.running = True
        self.kafka = kafka.KafkaConsumer(bootstrap_servers=cluster.brokers.split(","), auto_offset_reset="earliest",
                                         group_id=None, api_version=(1, 0, 0), reconnect_backoff_max_ms=200,
                                         metadata_max_age_ms=1000)
        self.kafka.assign([kafka.TopicPartition(topic, n) for n in range(partitions)])
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        place.ends.append(self.close)

    def _run(self):
        while self.running:
            for messages in self.kafka.poll(timeout_ms=100).values():
                self.got += [(m.partition, m.key, m.value, m.timestamp) for m in messages]

    def close(self):
        self.running = False
        self.thread.join()
        self.kafka.close()


def authority(place, name):
    """Makes a self-signed certificate for 127.0.0.1: (certificate, key), both PEM files."""
    cert, key = place.dir / f"{name}.pem", place.dir / f"{name}-key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    return cert, key


class Front:
    """TLS and SASL PLAIN in front of each broker of a cluster; only clients that log in reach it."""

    def __init__(self, place, cluster, cert, key, user, password):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        self.login = b"\0" + user.encode() + b"\0" + password.encode()
        self.refused = 0
        inner = [int(b.rpartition(":")[2]) for b in cluster.brokers.split(",")]
        self.listeners = [socket.create_server(("127.0.0.1", 0)) for _ in inner]
        outer = [s.getsockname()[1] for s in self.listeners]
        self.brokers = ",".join(f"127.0.0.1:{port}" for port in outer)
        self.names = [(b"127.0.0.1" + struct.pack(">i", a), b"127.0.0.1" + struct.pack(">i", b))
                      for a, b in zip(inner, outer)]
        for listener, port in zip(self.listeners, inner):
            threading.Thread(target=self._accept, args=(listener, port), daemon=True).start()
            place.ends.append(listener.close)

    def _accept(self, listener, port):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client, port), daemon=True).start()

    def _serve(self, raw, port):
        try:
            with self.context.wrap_socket(raw, server_side=True) as client, \
                    socket.create_connection(("127.0.0.1", port)) as broker:
                if not self._log_in(client, broker):
                    self.refused += 1
                    return
                # One request after the other: two threads cannot share a TLS socket in Python.
                while True:
                    write_frame(broker, read_frame(client))
                    answer = read_frame(broker)
                    for a, b in self.names:
                        answer = answer.replace(a, b)
                    write_frame(client, answer)
        except (OSError, EOFError):
            pass

    def _log_in(self, client, broker):
        while True:
            request = read_frame(client)
            api, version, number, name = struct.unpack(">hhih", request[:10])
            body = request[10 + max(0, name):]
            head = struct.pack(">i", number)
            if api == API_VERSIONS and version > 2:
                write_frame(client, head + struct.pack(">hihhh", 35, 1, API_VERSIONS, 0, 2))
            elif api == API_VERSIONS:
                write_frame(broker, request)
                answer = read_frame(broker)
                count = struct.unpack(">i", answer[6:10])[0]
                more = struct.pack(">hhhhhh", SASL_HANDSHAKE, 0, 1, SASL_AUTHENTICATE, 0, 0)
                end = 10 + 6 * count
                write_frame(client, answer[:6] + struct.pack(">i", count + 2) + answer[10:end] + more + answer[end:])
            elif api == SASL_HANDSHAKE:
                write_frame(client, head + struct.pack(">hih", 0, 1, 5) + b"PLAIN")
            elif api == SASL_AUTHENTICATE:
                good = body[4:] == self.login
                why = b"" if good else b"wrong user or password"
                write_frame(client, head + struct.pack(">hh", 0 if good else 58, len(why)) + why + struct.pack(">i", 0))
                if not good:
                    return False
                return True
            else:
                return False


def read_exactly(sock, n):
    data = b""
    while len(data) < n:
        more = sock.recv(n - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def read_frame(sock):
    return read_exactly(sock, struct.unpack(">i", read_exactly(sock, 4))[0])


def write_frame(sock, data):
    sock.sendall(struct.pack(">i", len(data)) + data)
