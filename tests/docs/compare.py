"""Whether what was printed is what the page says, ids, times and tokens aside."""

import re

# Each side's values become the name of their kind. An ellipsis on the page stands for anything.
KINDS = [
    ("token", r"eyJ[\w-]+\.[\w-]+\.[\w-]+|eyJ[\w-]*…"),
    ("key", r"cs_(?:secret|manage)_\w+…?"),
    ("id", r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{8}-…"),
    ("time", r"20\d\d-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z"),
    ("secret", r"\b[A-Z2-7]{32}\b"),
]


def canonical(text, is_json=False):
    for kind, pattern in KINDS:
        text = re.sub(pattern, f"<{kind}>", text)
    text = text.replace("127.0.0.1", "localhost")
    if is_json:
        text = re.sub(r'("(?:[^"\\]|\\.)*")|\s+', lambda match: match[1] or "", text)
    return re.sub(r"\s+", " ", text).strip()


def is_same(expected, printed, is_json=False):
    expected, printed = canonical(expected, is_json), canonical(printed, is_json)
    pattern = ".*?".join(re.escape(part) for part in expected.split("…"))
    return re.fullmatch(pattern, printed, re.DOTALL) is not None
