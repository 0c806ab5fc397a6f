"""Runs the documentation: every shell block of README.md and of the pages in docs/, in order, each page against a server
of its own, and compares what is printed with what stands there. Checks links and info strings too.

    python3 tests/docs [PAGE]...        ends with `N passed, N failed`

Needs the built binaries, and bash, curl, jq, oathtool, openssl, Node and Python; nothing but packages is downloaded.
"""

import re
import sys
import time
import unittest
from pathlib import Path

from blocks import blocks, commands, mistakes
from compare import is_same
from session import ROOT, Session

SUMMARY = ROOT / "docs" / "src" / "SUMMARY.md"
README = ROOT / "README.md"
# The rows of the contract have such numbers, which say nothing to a user.
CONTRACT = re.compile(r"\b[SCM]\d{1,2}\b")
LARGEST_README = 8 * 1024
QUICK_START = SUMMARY.parent / "quick-start.md"
passed, failed = 0, 0


def count(is_good, what, why=""):
    global passed, failed
    passed, failed = passed + is_good, failed + (not is_good)
    if not is_good:
        print(f"FAILED {what}: {why}", flush=True)


def name(path):
    return str(path.relative_to(ROOT))


def in_order():
    """README, then the pages as the book has them."""
    linked = re.findall(r"\]\(([^)#]+\.md)\)", SUMMARY.read_text())
    return [README] + [(SUMMARY.parent / link).resolve() for link in linked]


def keys():
    """The block of the quick start that all guides begin with."""
    return next(block.text for block in blocks(name(QUICK_START), QUICK_START.read_text()) if "keys" in block.marks)


def check_book(pages):
    """The book has every page, and each link leads somewhere: in the book within it, elsewhere anywhere."""
    there = {path for path in SUMMARY.parent.rglob("*.md") if path != SUMMARY}
    for path in sorted(there - set(pages)):
        count(False, name(path), "is not in SUMMARY.md")
    count(README.stat().st_size <= LARGEST_README, "README.md", f"has more than {LARGEST_README} bytes")
    beside = [*ROOT.glob("*.md"), *ROOT.glob("examples/*.md"), *ROOT.glob("infra/**/*.md")]
    for path in [*pages, *(path for path in beside if path not in pages)]:
        text = re.sub(r"```.*?```|`[^`]*`", "", path.read_text(), flags=re.DOTALL)
        wrong = []
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            target, _, anchor = link.partition("#")
            if re.match(r"[a-z]+:", link):
                continue
            file = (path.parent / target).resolve() if target else path
            if not file.exists():
                wrong.append(f"{link} leads nowhere")
            elif path.is_relative_to(SUMMARY.parent) and not file.is_relative_to(SUMMARY.parent):
                wrong.append(f"{link} leads out of the book; name the file instead")
            elif anchor and file.suffix == ".md" and anchor not in anchors(file):
                wrong.append(f"{link}: there is no such heading")
        if path in pages:
            wrong += [f"{number} is a number of the contract; say what it is" for number in CONTRACT.findall(text)]
        count(not wrong, name(path), "; ".join(wrong))


def anchors(file):
    headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def run_page(path):
    found = blocks(name(path), path.read_text())
    for block, mistake in mistakes(found):
        count(False, block.place, mistake)
    for block in found:
        if "in" in block.marks:
            file = ROOT / block.marks["in"]
            stands = file.exists() and block.text.strip() in file.read_text()
            count(stands, block.place, f"does not stand in {block.marks['in']} like this")
    if not any(block.is_run for block in found):
        return
    session = Session()
    try:
        if path not in (README, QUICK_START):
            session.run(keys())
        for index, block in enumerate(found):
            if block.is_run and not run_block(session, block, found[index + 1 : index + 2]):
                print(session.server_log()[-2000:])
                break
    finally:
        session.end()


def run_block(session, block, following):
    """Whether it did what its page says. What stands nowhere must not be printed."""
    if block.language == "console":
        steps = commands(block)
    else:
        steps = [(block.text, following[0].text if following and following[0].is_output else "")]
    is_json = block.language == "sh" and bool(following) and following[0].language == "json"
    for index, (script, expected) in enumerate(steps):
        printed, status = session.run(script)
        wanted = int(block.marks.get("exit", 0)) if index == len(steps) - 1 else 0
        if status is None:
            why = "hangs"
        elif status != wanted:
            why = f"ended with {status}, and not {wanted}"
        elif not is_same(expected, printed, is_json):
            why = "printed something else"
        else:
            continue
        count(False, block.place, f"{why}\n--- commands\n{script}--- on the page\n{expected}--- printed\n{printed}---")
        return False
    count(True, block.place)
    return True


def check_suite():
    result = unittest.TextTestRunner(verbosity=0).run(unittest.defaultTestLoader.loadTestsFromName("test_suite"))
    count(result.wasSuccessful(), "test_suite.py", "the suite does not see what it should")


def main(arguments):
    pages = in_order()
    if not arguments:
        check_suite()
        check_book(pages)
    for path in [Path(argument).resolve() for argument in arguments] or pages:
        before, started = passed + failed, time.monotonic()
        run_page(path)
        print(f"{name(path)}: {passed + failed - before} checked, {time.monotonic() - started:.1f} s", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))
