"""Every parameter and property says what it is, and no description says what only we can know."""

import json
import pathlib
import re
import sys

DOCUMENT = json.loads((pathlib.Path(__file__).parents[2] / "infra/openapi.json").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]
# Numbers of our own contract, names of our own files.
OURS = re.compile(r"\b[SMCT]\d{1,2}\b|\bcontract\b|\bOurs\b|infra/decisions|\.md\b(?<!infra/rules\.md)")

wrong = []


def is_described(schema):
    """By itself, or by what it refers to."""
    named = schema.get("$ref", "").rpartition("/")[2]
    parts = schema.get("oneOf", []) + ([schema["items"]] if "items" in schema else [])
    return bool(schema.get("description")) or bool(named and is_described(SCHEMAS[named])) or any(map(is_described, parts))


def properties(place, schema):
    for part in [schema, *schema.get("allOf", [])]:
        for name, one in part.get("properties", {}).items():
            if not is_described(one):
                wrong.append(f"{place}.{name} has no description")


def texts(place, value):
    if isinstance(value, dict):
        for name, one in value.items():
            if name in ("description", "summary") and isinstance(one, str) and OURS.search(one):
                wrong.append(f"{place}: {one!r} names what users do not know")
            texts(f"{place}/{name}", one)
    elif isinstance(value, list):
        for one in value:
            texts(place, one)


for name, schema in SCHEMAS.items():
    properties(name, schema)
for path, methods in DOCUMENT["paths"].items():
    for method, operation in methods.items():
        for parameter in operation.get("parameters", []):
            if not parameter.get("description"):
                wrong.append(f"{method} {path}: {parameter['name']} has no description")
texts("", DOCUMENT)
print("\n".join(wrong) or "every parameter and property is described")
sys.exit(bool(wrong))
