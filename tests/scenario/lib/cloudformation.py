"""CloudFormation templates as Python values: short forms (!Ref X) become their long ones ({"Ref": "X"})."""

import re

import yaml


class _Loader(yaml.SafeLoader):
    pass


def _short(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else "Fn::" + suffix: value}


_Loader.add_multi_constructor("!", _short)


def load(path):
    with open(path, encoding="utf-8") as f:
        return yaml.load(f, _Loader)


def find(value, key):
    """Yields every value in the tree with this key."""
    if isinstance(value, dict):
        if key in value:
            yield value[key]
        for below in value.values():
            yield from find(below, key)
    elif isinstance(value, list):
        for below in value:
            yield from find(below, key)


def name_of(value):
    """The text of a string or of a Fn::Sub."""
    if isinstance(value, dict):
        value = value["Fn::Sub"]
    return value if isinstance(value, str) else value[0]


def _list(value):
    return value if isinstance(value, list) else [value]


def statements(template, roles=False):
    """Yields the policy statements of a template, or only of its roles: effect, actions, resources, condition."""
    for resource in template["Resources"].values():
        if roles and resource["Type"] not in ("AWS::IAM::Role", "AWS::IAM::Policy"):
            continue
        for document in find(resource.get("Properties"), "PolicyDocument"):
            for s in document["Statement"]:
                s = s.get("Fn::If", [None, s])[1]
                yield {"effect": s["Effect"], "actions": _list(s["Action"]), "resources": _list(s["Resource"]),
                       "condition": s.get("Condition", {})}


def fits(parameter, value):
    """Whether a parameter's declaration allows a value."""
    if "AllowedValues" in parameter and value not in map(str, parameter["AllowedValues"]):
        return False
    if parameter.get("Type") == "Number":
        return value.isdigit() and parameter.get("MinValue", 0) <= int(value) <= parameter.get("MaxValue", 1 << 62)
    return re.fullmatch(parameter.get("AllowedPattern", ".*"), value) is not None


def resolve(value, names, conditions):
    """The text that CloudFormation makes of a value. conditions: the names of those that are true. Values from
    other stacks, such as imports, become placeholders."""
    if not isinstance(value, dict):
        return str(value)
    (kind, inner), = value.items()
    if kind == "Ref":
        return names[inner]
    if kind == "Fn::If":
        return resolve(inner[1] if inner[0] in conditions else inner[2], names, conditions)
    if kind == "Fn::ImportValue":
        return "imported"
    if kind != "Fn::Sub":
        raise ValueError(kind)
    text, own = inner if isinstance(inner, list) else (inner, {})
    known = {**names, **{k: resolve(v, names, conditions) for k, v in own.items()}}
    return re.sub(r"\$\{([^}]+)\}", lambda m: known[m[1]], text)
