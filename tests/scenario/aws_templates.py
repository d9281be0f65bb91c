#!/usr/bin/python3
"""deploy/aws: CloudFormation accepts the templates, and they match each other, the scripts and the programs; what the
scripts do; the costs."""

import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import cloudformation
import rig

DEPLOY = rig.ROOT / "deploy" / "aws"
NAMES = ("backend", "sensor", "output")
MODULES = rig.ROOT / "build-test" / "cfn"

# One copy per fault: (template, description, pattern, replacement).
FAULTS = [
    ("output", "a type that does not exist", r"Type: AWS::SQS::Queue\n", "Type: AWS::SQS::Kueue\n"),
    ("output", "a property that does not exist", r"VisibilityTimeout: 360", "VisibilityTimeOut: 360"),
    ("output", "a value of the wrong kind", r"VisibilityTimeout: 360", "VisibilityTimeout: soon"),
    ("output", "a reference to nothing", r"!Ref LateSeconds", "!Ref LateSecond"),
    ("output", "an attribute that does not exist", r"!GetAtt Queue.Arn", "!GetAtt Queue.Arm"),
    ("output", "a required property that is missing", r"(?m)^      AssumeRolePolicyDocument:\n(?:        .*\n)+", ""),
    ("output", "a queue that is visible again before the function ends", r"VisibilityTimeout: 360", "VisibilityTimeout: 30"),
    ("backend", "a required property that is missing", r"(?m)^          - ServerSideEncryptionByDefault:\n.*\n", ""),
    ("backend", "a property that does not exist", r"ExpirationInDays", "ExpireInDays"),
    ("sensor", "a condition that does not exist", r"Condition: Ssh\n", "Condition: Ssl\n"),
    ("sensor", "a reference to nothing", r"!Ref Routes\n", "!Ref Roads\n"),
    ("sensor", "a dependency on nothing", r"DependsOn: GatewayAttachment", "DependsOn: GateAttachment"),
    ("sensor", "a file that is no YAML", r"AllowedValues: \[t4g", "AllowedValues: [[t4g"),
]

t = rig.Report("aws_templates")
if subprocess.run(["/usr/bin/python3", "-c", "import yaml"], capture_output=True).returncode:
    t.skip("python3-yaml is not installed")
    sys.exit(0)


def no_modules():
    """The reason why aws-cdk-lib cannot be used here, or None."""
    if not shutil.which("node") or not shutil.which("npm"):
        return "node and npm are not installed"
    here = rig.ROOT / "tests" / "scenario" / "cfn"
    MODULES.mkdir(parents=True, exist_ok=True)
    same = all((MODULES / n).exists() and (MODULES / n).read_bytes() == (here / n).read_bytes()
               for n in ("package.json", "package-lock.json"))
    if not same or not (MODULES / "node_modules" / "aws-cdk-lib" / "index.js").exists():
        for name in ("package.json", "package-lock.json"):
            shutil.copy(here / name, MODULES)
        done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=MODULES, capture_output=True,
                              text=True, timeout=180, check=False)
        if done.returncode:
            (MODULES / "package.json").unlink()
            said = done.stderr.strip().splitlines() or [""]
            return f"npm cannot install aws-cdk-lib: {said[0]}"
    shutil.copy(here / "validate.js", MODULES)
    return None


def validate(place):
    """Returns {file name: problems} of the templates and of their broken copies."""
    files = [DEPLOY / f"{n}.yml" for n in NAMES]
    for i, (name, _, pattern, instead) in enumerate(FAULTS):
        text, n = re.subn(pattern, instead, (DEPLOY / f"{name}.yml").read_text(), count=1)
        if not n:
            raise rig.Failed(f"{name}.yml has nothing to break by {pattern}")
        files.append(place / f"fault-{i}.yml")
        files[-1].write_text(text)
    done = subprocess.run(["node", MODULES / "validate.js", *files], capture_output=True, text=True, timeout=200, check=False)
    if done.returncode:
        raise rig.Failed(done.stderr)
    return {pathlib.Path(x["file"]).name: x["problems"] for x in map(json.loads, done.stdout.splitlines())}


def contracts(templates):
    exported = {cloudformation.name_of(o["Export"]["Name"]).removeprefix("${AWS::StackName}-")
                for o in templates["backend"]["Outputs"].values()}
    for name in ("sensor", "output"):
        imported = {cloudformation.name_of(x).removeprefix("${BackendStack}-")
                    for x in cloudformation.find(templates[name], "Fn::ImportValue")}
        t.check(f"{name}: what it imports is what the backend exports", imported and imported <= exported,
                f"{imported} of {exported}")
    for name in NAMES:
        used = json.dumps({k: v for k, v in templates[name].items() if k != "Parameters"})
        unused = [p for p in templates[name].get("Parameters", {}) if f'"{p}"' not in used and f"${{{p}}}" not in used]
        t.check(f"{name}: every parameter is used", not unused, unused)


def permissions(templates):
    """Each role allows the calls in the sources, and no role has a wildcard action."""
    def source(*paths):
        return "\n".join(p.read_text() for path in paths for p in sorted(rig.ROOT.glob(path)))

    logs = {f"logs:{a}" for a in re.findall(r'"(CreateLogStream|PutLogEvents)"',
                                            source("services/forwarder/*.c", "services/analyzer/*.c", "services/common/cloud/*.c"))}
    ec2 = {f"ec2:{a}" for a in re.findall(r'"Action=(\w+Address(?:es)?)\b', source("tools/lurker/*.c"))}
    sqs = {f"sqs:{a}" for a in re.findall(r'"((?:Receive|Delete|Change)Message\w*?)(?:Batch)?"',
                                         source("services/analyzer/aws/*.c"))}
    needs = {"sensor": ({"s3:PutObject", "s3:GetObject", "sns:Publish"} | ec2 | ({"ec2:CreateTags"} if ec2 else set())),
             "output": {"s3:GetObject", "s3:ListBucket"} | sqs | logs}
    t.check("calls are found in the sources", len(ec2) == 4 and len(sqs) == 3 and len(logs) == 2, ec2 | sqs | logs)
    for name, wanted in needs.items():
        statements = list(cloudformation.statements(templates[name], roles=True))
        allowed = {a for s in statements for a in s["actions"]}
        t.check(f"{name}: its role may do what the programs call", wanted <= allowed, sorted(wanted - allowed))
        t.check(f"{name}: and nothing by wildcard", not [a for a in allowed if "*" in a], allowed)
        wide = {a for s in statements if s["resources"] == ["*"] for a in s["actions"]} - {"ec2:DescribeAddresses"}
        t.check(f"{name}: on what it names, not on everything", not wide, wide)
    for s in cloudformation.statements(templates["sensor"], roles=True):
        if any(a.startswith("ec2:") and not a.startswith("ec2:Describe") for a in s["actions"]):
            t.check(f"sensor: {', '.join(s['actions'])} only with the sensor's tag", "lurker:sensor" in json.dumps(s["condition"]))


def properties(templates):
    """Required properties that a later change must not lose."""
    bucket = templates["backend"]["Resources"]["Bucket"]["Properties"]
    t.check("the bucket is encrypted, private, and forgets after a year",
            bucket["BucketEncryption"] and all(bucket["PublicAccessBlockConfiguration"].values()) and
            len(bucket["PublicAccessBlockConfiguration"]) == 4 and
            bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == {"Ref": "KeepDays"} and
            templates["backend"]["Parameters"]["KeepDays"]["Default"] == 365)
    denied = [s for s in cloudformation.statements(templates["backend"]) if s["effect"] == "Deny"]
    t.check("the bucket is reached by TLS only",
            any(s["condition"] == {"Bool": {"aws:SecureTransport": "false"}} and s["actions"] == ["s3:*"] and
                len(s["resources"]) == 2 for s in denied), denied)
    launch = templates["sensor"]["Resources"]["LaunchTemplate"]["Properties"]["LaunchTemplateData"]
    t.check("the sensor has one interface with one address, and IMDSv2 one hop away",
            len(launch["NetworkInterfaces"]) == 1 and launch["NetworkInterfaces"][0]["AssociatePublicIpAddress"] is True and
            not [r for r in templates["sensor"]["Resources"].values() if r["Type"] in ("AWS::EC2::EIP", "AWS::EC2::NetworkInterface")]
            and launch["MetadataOptions"]["HttpTokens"] == "required" and
            launch["MetadataOptions"]["HttpPutResponseHopLimit"] == 1)
    group = templates["sensor"]["Resources"]["SecurityGroup"]["Properties"]
    t.check("everything may come in to it, and HTTPS go out",
            [r["IpProtocol"] for r in group["SecurityGroupIngress"]] == ["-1"] and
            [(r["FromPort"], r["ToPort"]) for r in group["SecurityGroupEgress"]] == [(443, 443)])
    resources = templates["output"]["Resources"]
    alarms = {r["Properties"]["MetricName"] for r in resources.values() if r["Type"] == "AWS::CloudWatch::Alarm"}
    t.check("an output has a queue with dead letters, a log group of its name, and three alarms",
            resources["Queue"]["Properties"]["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetters", "Arn"]} and
            cloudformation.name_of(resources["LogGroup"]["Properties"]["LogGroupName"]) == "/honeypot/${AWS::StackName}" and
            alarms == {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage", "NumberOfMessagesSent"}, alarms)


def user_data(templates, place):
    """The setup of new instances: shellcheck accepts the script, and lurker its configuration."""
    cases = {"sensor": ("sensor", "LaunchTemplate", {"SensorName": "trap-1", "PackageKey": "packages/a.deb", "SshPort": "64222",
                                                     "RotateCalendar": "weekly", "PackageSha256": "0" * 64}),
             "worker": ("output", "WorkerTemplate", {"PackageKey": "packages/a.deb", "PackageSha256": "0" * 64,
                                                     "LogGroup": "/honeypot/x", "Queue": "https://sqs.x.amazonaws.com/1/q"})}
    for case, (name, resource, values) in cases.items():
        data = templates[name]["Resources"][resource]["Properties"]["LaunchTemplateData"]["UserData"]["Fn::Base64"]
        for conditions in ({"Ssh", "Rotation"}, set()):
            script = cloudformation.resolve(data, {"AWS::Region": "eu-central-1", "AWS::URLSuffix": "amazonaws.com",
                                                   "AWS::StackName": "out", **values}, conditions)
            what = f"{case} with {' and '.join(sorted(conditions)) or 'nothing besides'}"
            path = place / "user-data"
            path.write_text(script)
            done = subprocess.run(["shellcheck", path], capture_output=True, text=True, check=False)
            t.check(f"user data of {what}: shellcheck", done.returncode == 0 and "${" not in script, done.stdout)
            config = place / "lurker.yml"
            config.write_text(re.search(r"lurker\.yml <<'END'\n(.*?)^END$", script, re.M | re.S)[1])
            done = subprocess.run([rig.program("lurker"), "check", "-c", config], capture_output=True, text=True, check=False,
                                  env=rig.environment())
            t.check(f"user data of {what}: lurker check", done.returncode == 0, done.stdout + done.stderr)
    t.check("the worker's unit is given a network", all(x in script for x in (
        "PrivateNetwork=no\n", "RestrictAddressFamilies=AF_INET AF_INET6\n", "IPAddressDeny=\n")), script)
    function = templates["output"]["Resources"]["Function"]["Properties"]["Environment"]["Variables"]
    done = subprocess.run([rig.program("lurker-analyzer"), "--lambda", "--check"], capture_output=True, text=True, check=False,
                          env=rig.environment({k: "x" for k in function}))
    t.check("the function's variables are those of lurker-analyzer", done.returncode == 0 and
            any(k.startswith("LURKER_ANALYZER_") for k in function), done.stderr)
    units = set(re.findall(r"lurker[a-z-]*\.(?:service|timer|target)\b", json.dumps(templates)))
    there = {p.name.removesuffix(".in") for p in (rig.ROOT / "packaging" / "systemd").iterdir()}
    there |= {f"lurker-{name}.service" for name in rig.services.ALL}  # made of service.in
    t.check("user data names only units that there are", len(units) > 4 and units <= there, units - there)


def scripts(templates, place):
    """What the scripts show, and what they do with --yes: a stand-in for aws records its calls."""
    calls, stand_in, deb, code = place / "calls", place / "aws", place / "lurker.deb", place / "code.zip"
    stand_in.write_text(f"""#!/bin/bash
printf '%s\\n' "$(printf '%s\\t' "$@")" >>{calls}
case "$*" in
*refuse*) exit 254 ;;
*describe-stacks*Bucket*) echo the-bucket ;;
*describe-stacks*SensorName*) echo trap-1 ;;
*describe-addresses*) echo eipalloc-1 eipalloc-2 ;;
esac
""")
    stand_in.chmod(0o755)
    code.write_bytes(b"zip")
    tree = place / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text("Package: x\nVersion: 1\nArchitecture: arm64\nMaintainer: x <x@example.org>\n"
                                             "Description: x\n")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, deb], check=True, capture_output=True)
    sum_ = hashlib.sha256(deb.read_bytes()).hexdigest()

    def run(*argv):
        calls.write_text("")
        done = subprocess.run(["bash", DEPLOY / argv[0], *map(str, argv[1:])], capture_output=True, text=True, check=False,
                              env={**os.environ, "LURKER_AWS": str(stand_in), "AWS_REGION": "eu-central-1"})
        return done, [x.rstrip("\t").split("\t") for x in calls.read_text().splitlines()]

    everything = {
        "backend": ["b1", "--keep-days", 30],
        "sensor": ["s1", "--backend", "b1", "--deb", deb, "--name", "trap-1", "--type", "t4g.micro", "--disk", 9, "--rotate",
                   "weekly", "--ssh-key", "k", "--ssh-from", "198.51.100.0/24", "--ssh-port", 2222],
        "output": ["o1", "--backend", "b1", "--zip", code, "--architecture", "arm64", "--memory", 512, "--retention", 30,
                   "--silent", 5, "--email", "who@example.org"],
        "output worker": ["o1", "--backend", "b1", "--deb", deb, "--subnet", "subnet-1", "--vpc", "vpc-1"],
    }
    for case, argv in everything.items():
        name = case.split()[0]
        done, called = run(name, *argv)
        t.check(f"{case}: without --yes it says what it would do, and does nothing",
                done.returncode == 0 and not called and "cloudformation deploy" in done.stdout and "--yes" in done.stdout,
                done.stdout + done.stderr)
        done, called = run(name, *argv, "--yes")
        deploy = [c for c in called if c[2:4] == ["cloudformation", "deploy"]]
        t.check(f"{case}: with --yes it deploys, in the region", done.returncode == 0 and len(deploy) == 1 and
                all(c[:2] == ["--region", "eu-central-1"] for c in called), f"{called}{done.stderr}")
        given = dict(x.split("=", 1) for x in deploy[0][deploy[0].index("--parameter-overrides") + 1:])
        unknown = set(given) - set(templates[name]["Parameters"])
        t.check(f"{case}: its parameters are the template's", given and not unknown, unknown)
        wrong = {k: v for k, v in given.items() if not cloudformation.fits(templates[name]["Parameters"].get(k, {}), v)}
        t.check(f"{case}: and their values are allowed there", not wrong, wrong)
        needed = {k for k, p in templates[name]["Parameters"].items() if "Default" not in p}
        t.check(f"{case}: no parameter without a default is left out", needed <= set(given), needed - set(given))
        if name == "sensor":
            copied = [c for c in called if c[2:4] == ["s3", "cp"]]
            t.check("sensor: the package is stored where the template reads it", len(copied) == 1 and
                    copied[0][-1] == f"s3://the-bucket/{given['PackageKey']}" and given["PackageSha256"] == sum_, called)
    done, called = run("remove", "s1", "--yes")
    released = [c[-1] for c in called if "release-address" in c]
    t.check("remove: releases the addresses that the sensor made, after the stack is gone",
            released == ["eipalloc-1", "eipalloc-2"] and [c[3] for c in called if c[2] == "cloudformation"] ==
            ["describe-stacks", "delete-stack", "wait"] and
            any("Name=tag:lurker:sensor,Values=trap-1" in c for c in called), called)
    for argv, says in ((["backend"], "name"), (["backend", "UPPER"], "small letters"), (["backend", "x", "--no-such"], "no-such"),
                       (["sensor", "s1", "--backend", "b1"], "--deb"), (["output", "o1", "--backend", "b1"], "--zip"),
                       (["sensor", "s1", "--backend", "b1", "--deb"], "--deb needs a value"), (["backend", "a", "b"], "b")):
        done, called = run(*argv)
        t.check(f"{' '.join(argv)}: refused with words", done.returncode == 2 and not called and says in done.stderr, done.stderr)
    done, called = run("sensor", "s1", "--backend", "b1", "--deb", deb, "--type", "t3.nano")
    t.check("sensor: a package for another processor is refused", done.returncode == 1 and "arm64" in done.stderr, done.stderr)
    done, called = run("backend", "refuse", "--yes")
    t.check("a step that fails ends it", done.returncode == 1 and "failed" in done.stderr, done.stderr)
    told = re.findall(r"^deploy/aws/(?!cost|lambda-zip)(.*)$", (DEPLOY / "README.md").read_text(), re.M)
    for line in told:
        done, _ = run(*shlex.split(line.replace("lurker_arm64.deb", str(deb)).replace("lurker.zip", str(code))))
        t.check(f"README: {line}", done.returncode == 0 and "cloudformation" in done.stdout, done.stderr)
    t.check("README: each script is shown", {x.split()[0] for x in told} == {"backend", "sensor", "output", "remove"}, told)
    for name in ("backend", "sensor", "output", "remove"):
        done, _ = run(name, "--help")
        t.check(f"{name} --help", done.returncode == 0 and "Usage:" in done.stdout and max(map(len, done.stdout.splitlines())) <= 120)


def costs(place):
    def cost(*argv):
        done = subprocess.run(["/usr/bin/python3", DEPLOY / "cost", *map(str, argv)], capture_output=True, text=True, check=False)
        return done

    totals = json.loads(cost("--json").stdout)
    ours, _, origin = totals["month"].values()
    t.check("one address and the smallest instance stay below 15 dollars, and below the origin's design", ours < 15 and
            ours < origin, totals)
    shown = cost().stdout
    t.check("the table says where its prices are from, and whether they were checked",
            totals["known_as_of"] in shown and (totals["checked"] or "NOT CHECKED") in shown)
    readme = (DEPLOY / "README.md").read_text()
    t.check("the README's totals are these", all(f"{x:.2f}" in readme for x in totals["month"].values()), totals)
    prices = json.loads((DEPLOY / "prices.json").read_text())["prices"]
    t.check("every price has its source", all(p["source"] for p in prices.values()))
    # By hand: 730 hours of instance and address, disk, 1,000 objects a day for 30.4 days; the rest is within the free amounts.
    by_hand = 730 * (0.0042 + 0.005) + 8 * 0.08 + 30400 * (0.000005 + 0.0000004)
    bill = json.loads(cost("--json", "--objects", 1000, "--object-mb", 0, "--record-mb", 0, "--out-mb", 0).stdout)
    t.check("a bill that was reckoned by hand", abs(list(bill["month"].values())[0] - by_hand) < 0.01, f"{bill} {by_hand}")
    state = place / "state"
    for folder in ("records/analysis", "stat/uploader"):
        (state / folder).mkdir(parents=True)
    for day in ("2026-01-01", "2026-01-02", "2026-01-03"):
        rows = [{"payload_len": n % 2, "s3path": f"s3://b/{n // 4}"} for n in range(40)]
        (state / "records" / "analysis" / f"{day}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
        stat = [{"mark": m, "start_ns": 1, "counters": {"stored_bytes": b}} for m, b in (("time", 5_000_000), ("time", 9_000_000))]
        (state / "stat" / "uploader" / f"{day}.jsonl").write_text("".join(json.dumps(s) + "\n" for s in stat))
    got = json.loads(cost("--json", "--state-dir", state, "--out-mb", 7).stdout)
    t.check("what a sensor recorded is counted by the day", (got["day"]["records"], got["day"]["flows"], got["day"]["objects"],
                                                            got["day"]["object_mb"]) == (40, 20, 10, 4.0) and
            got["source"]["records"] == "measured" and got["source"]["out_mb"] == "given", got)
    done = cost("--state-dir", place)
    t.check("a sensor without a whole day is said", done.returncode == 1 and "no whole day" in done.stderr, done.stderr)


with t, tempfile.TemporaryDirectory() as temporary:
    place = pathlib.Path(temporary)
    templates = {n: cloudformation.load(DEPLOY / f"{n}.yml") for n in NAMES}
    contracts(templates)
    permissions(templates)
    properties(templates)
    if shutil.which("shellcheck") and not rig.absent(programs=["lurker"]):
        user_data(templates, place)
    scripts(templates, place)
    costs(place)
    reason = no_modules()
    if reason:
        t.skip(f"templates are not validated: {reason}")
    else:
        problems = validate(place)
        for name in NAMES:
            t.check(f"{name}.yml is taken by aws-cdk-lib with its rules", problems[f"{name}.yml"] == [],
                    "\n".join(problems[f"{name}.yml"]))
        for i, (name, what, _, _) in enumerate(FAULTS):
            found = problems[f"fault-{i}.yml"]
            t.check(f"{name}.yml with {what} is refused", len(found) == 1 and found[0].strip())
