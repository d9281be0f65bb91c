#!/usr/bin/python3
"""The uploader with a gateway that verifies signatures, payload hashes and tokens: what it stores, what rejects it,
the sources of its credentials, and its notifications to SNS."""

import json
import pathlib
import subprocess
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import cloud
import identity
import logs
import rig

t = rig.Report("s3_uploader")
cloud.enter(t)


def alerts(up):
    lines = []
    for path in (up.state / "records" / "alert").glob("*.jsonl"):
        lines += [json.loads(x) for x in path.read_text().splitlines()]
    return lines


with t, cloud.Place() as place:
    cloud.hosts(f"{cloud.BUCKET}.s3.local", "s3.local")
    rgw = cloud.Radosgw(place)
    ups = {}

    def stores(text, name, files=3, env=None, **settings):
        """Uploads a few files; a single awscli run compares their bytes at the end."""
        up = ups[name] = cloud.Uploader(place, name, env=env, **settings).add(files)
        up.start()
        try:
            up.wait_empty(15)
            code = up.stop()
            t.check(f"{text}: stored", code == 0, up.proc.tail())
        except (rig.Timeout, rig.Failed) as e:
            t.check(f"{text}: stored", False, e)
        return up

    def refused(text, name, says, env=None, **settings):
        up = cloud.Uploader(place, name, env=env, **settings).add(3)
        up.start().wait_log(says)
        t.check(f"{text}: refused, kept", up.stop() == 0 and up.left() == 3, up.proc.tail())
        return up

    up = ups["plain"] = cloud.Uploader(place, "plain").add(200).add(1, 0).add(1, 3 << 20)
    up.start(listen=True).wait_empty()
    # The first files may be stored before the subscription exists, so store some more.
    rig.wait_for(lambda: up.add(1) and len(up.bus.kept["object"]) >= 5, "object messages", 10, up.proc)
    up.wait_empty()
    t.check("object messages have the S3 URL and the hash",
            all(m["url"] == f"s3://{cloud.BUCKET}/plain/{m['key']}" and
                m["sha256"] == cloud.sha256(up.made[m["key"]]) for m in up.bus.kept["object"]))
    t.check("it ends in order", up.stop() == 0, up.proc.tail())
    key = min(up.made)
    head = json.loads(rgw.aws("s3api", "head-object", "--bucket", cloud.BUCKET, "--key", f"plain/{key}"))
    t.check("an object's metadata has sensor and hash",
            head["Metadata"] == {"sensor": "lab", "sha256": cloud.sha256(up.made[key])} and
            head["ContentType"] == "application/vnd.tcpdump.pcap", head)

    refused("a wrong secret", "wrong-secret", "status 403", env=cloud.environment(secret="WRONG"))
    refused("an unknown key", "wrong-key", "status 403", env=cloud.environment(key="NOBODY"))
    up = refused("a bucket that is not there", "no-bucket", "NoSuchBucket", s3_bucket="not-there")
    t.check("what needs a person is said once, as an alert", len(alerts(up)) == 1 and
            alerts(up)[0]["kind"] == "upload" and alerts(up)[0]["severity"] == "critical" and
            up.proc.output().count("NoSuchBucket") == 2, alerts(up))
    refused("no credentials at all", "no-keys", "AWS_ACCESS_KEY_ID", env=cloud.environment(key=None))

    stores("keys of percent-encoded characters", "a b+c=d:e*(f)!~'&$@,;")
    stores("TLS, with the CA", "tls", s3_endpoint=cloud.HTTPS, ca_file=str(rgw.ca))
    refused("TLS, without the CA", "tls-no-ca", "SSL certificate", s3_endpoint=cloud.HTTPS)
    refused("TLS, another host's name", "tls-name", "SSL", s3_endpoint="https://localhost:17443", ca_file=str(rgw.ca))
    stores("virtual-host style", "virtual", s3_endpoint="http://s3.local:17480", s3_style="virtual")
    stores("virtual-host style over TLS", "virtual-tls", s3_endpoint="https://s3.local:17443", s3_style="virtual",
           ca_file=str(rgw.ca))
    asked = cloud.nameserver(place, "s3.example.org")
    named = cloud.Proxy(place)  # the gateway takes host names it does not know for buckets
    by_name = named.url.replace("127.0.0.1", "s3.example.org")
    up = cloud.Uploader(place, "dns", s3_endpoint=by_name).add(3)
    up.start()
    rig.wait_for(lambda: named.seen, "a request to a name from DNS", 15, up.proc)
    t.check("a name is looked up by DNS, within the sandbox", asked and up.stop() == 0, up.proc.tail())
    stores("a storage class", "class", s3_storage_class="STANDARD")
    seen = cloud.Proxy(place)
    stores("encryption by the server", "sse", s3_sse="aes256", s3_endpoint=seen.url)
    t.check("it is asked for in a signed header", all(b"\nx-amz-server-side-encryption: AES256" in head and
            b";x-amz-server-side-encryption," in head for head, _ in seen.seen), seen.seen[:1])

    # Credentials. Each source has the right keys, and the sources after it have wrong ones.
    aws = place.dir / "aws"
    aws.mkdir()
    wrong = "[default]\naws_access_key_id = WRONG\naws_secret_access_key = WRONG\n"
    (aws / "credentials").write_text(f"{wrong}[sensor]\naws_access_key_id = {cloud.KEY}\n"
                                     f"aws_secret_access_key = {cloud.SECRET}\n")
    (aws / "secret").write_text(cloud.SECRET + "\n")
    shared = {"AWS_SHARED_CREDENTIALS_FILE": str(aws / "credentials")}
    stores("credentials from the configuration", "c-conf", access_key_id=cloud.KEY, secret_file=str(aws / "secret"),
           env=cloud.environment(secret="WRONG"))
    stores("credentials from the environment", "c-env", env=cloud.environment(**shared))
    stores("credentials from a profile", "c-profile", env=cloud.environment(None, AWS_PROFILE="sensor", **shared))

    role = rgw.role()
    stores("temporary credentials of a role", "c-role", env=cloud.environment(*role))
    refused("a wrong session token", "c-token", "status 403", env=cloud.environment(*role[:2], role[2][:-8] + "AAAAAAA="))
    imds = cloud.Keys(place, *role)
    provider = identity.Provider(place)
    web = cloud.environment(None, AWS_WEB_IDENTITY_TOKEN_FILE=str(aws / "web-token"),
                            AWS_ROLE_ARN=rgw.web_role(provider, "sensor"))
    for text, name, token in (("signed by others", "c-web-signed", provider.token("sensor")[:-8] + "AAAAAAAA"),
                              ("for others", "c-web-other", provider.token("others"))):
        (aws / "web-token").write_text(token)
        refused(f"a web identity {text}", name, "no credentials", env=web, sts_endpoint=cloud.HTTP)
    (aws / "web-token").write_text(provider.token("sensor") + "\n")
    stores("credentials by web identity, from the gateway's STS", "c-web", env=web, sts_endpoint=cloud.HTTP)
    box = cloud.environment(None, AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{imds.url}/container",
                            AWS_CONTAINER_AUTHORIZATION_TOKEN="container-token")
    stores("credentials of a container", "c-container", env=box)
    refused("credentials over plain HTTP from elsewhere", "c-far", "container endpoint",
            env={**box, "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/x"})
    subprocess.run(["ip", "address", "add", "169.254.169.254/32", "dev", "lo"], check=True)
    link_local = cloud.Keys(place, *role, address=("169.254.169.254", 80))
    instance = cloud.environment(None, AWS_EC2_METADATA_DISABLED="false")
    stores("credentials of an instance (IMDSv2)", "c-imds", env=instance)
    t.check("IMDS was asked with a session token", [x[0] for x in link_local.asked] == ["PUT", "GET", "GET"] and
            all(x[2] == 200 for x in link_local.asked), link_local.asked)

    short = cloud.Keys(place, *role, seconds=303)  # of which the last 300 are for renewal
    up = ups["c-renewed"] = cloud.Uploader(place, "c-renewed", env=instance, imds_endpoint=short.url).add(1)
    up.start().wait_empty()
    failed = up.proc.output().count("object not stored")
    rig.wait_for(lambda: up.add(1) and len(short.asked) > 5, "renewed credentials", 20, up.proc)
    up.wait_empty()
    t.check("credentials are renewed before they expire, and no object waits for that", up.stop() == 0 and
            up.proc.output().count("object not stored") == failed, up.proc.tail())

    stored = rgw.fetch()
    for name, up in ups.items():
        got = {k.removeprefix(name + "/"): stored.pop(k) for k in list(stored) if k.startswith(name + "/")}
        t.check(f"byte for byte by awscli: {name}", got == up.made, f"{len(got)} of {len(up.made)}")
    stored = {k: v for k, v in stored.items() if not k.startswith("dns/")}
    t.check("nothing of what was refused is there", not stored, sorted(stored)[:5])

    # SNS: a stand-in that verifies signatures with botocore.
    if subprocess.run(["/usr/bin/python3", "-c", "import botocore"], capture_output=True).returncode:
        t.note("SNS is not tested: python3-botocore is not installed")
    else:
        sns = logs.Topics(place, {cloud.KEY: cloud.SECRET})
        topic = {"sns_topic": "arn:aws:sns:eu-central-1:123456789012:flows"}
        up = stores("with a topic", "sns", 20, **topic, sns_endpoint=sns.url)
        told = [json.loads(form["Message"])["Records"][0]["s3"] for form in sns.told]
        t.check("each object is told to the topic in S3's words",
                sorted(urllib.parse.unquote_plus(s3["object"]["key"]) for s3 in told) == sorted(f"sns/{k}" for k in up.made) and
                {s3["bucket"]["name"] for s3 in told} == {cloud.BUCKET} and
                {form["TopicArn"] for form in sns.told} == {topic["sns_topic"]}, sns.told[:2])
        # Credentials that S3 accepts and SNS rejects.
        for text, keys, says in (("a wrong secret", {cloud.KEY: "OTHER"}, "SignatureDoesNotMatch"),
                                 ("an unknown key", {}, "InvalidClientTokenId")):
            other = logs.Topics(place, keys)
            refused(f"{text} for the topic", f"sns-{len(keys)}", f"SNS: status 403 {says}", **topic, sns_endpoint=other.url)
            t.check(f"{text} for the topic: nothing is told", not other.told)
