"""The code blocks of a Markdown page, and what their info strings say of them.

    ```sh                 commands to paste; run in the page's shell
    ```console            a transcript: lines that begin with `$ ` are run, what follows each is what it prints
    ```text,output        what the block before prints (`json,output`: spaces and line ends do not count)
    ```sh,no_run,aws      not run, and why: one of REASONS
    ```sh,exit=2          ends with that status
    ```js,in=FILE         stands in that file as it stands here
"""

import re
from dataclasses import dataclass

REASONS = {
    "aws": "needs an account of AWS",
    "build": "compiles for minutes, or needs the source of a release",
    "foreign": "runs on another system, or needs a file of it",
    "terminal": "waits for a person",
    "stays": "runs until it is stopped; the suite has started one",
}
RUN = {"sh", "console"}
# What somebody may write for `sh`, and would then not be run.
ALIASES = {"bash", "shell", "zsh", "shell-session", "shellsession", "bat", "powershell"}


@dataclass
class Block:
    page: str
    line: int
    language: str
    marks: dict
    text: str

    @property
    def place(self):
        return f"{self.page}:{self.line}"

    @property
    def is_run(self):
        return self.language in RUN and "no_run" not in self.marks

    @property
    def is_output(self):
        return "output" in self.marks


def blocks(page, text):
    """The fenced blocks of a page in order. A block in a list loses the indentation of its fence."""
    found, lines, number = [], text.split("\n"), 0
    while number < len(lines):
        opening = re.fullmatch(r"(\s*)(```+)\s*([^`]*)", lines[number])
        number += 1
        if not opening:
            continue
        indent, fence, info = opening.groups()
        start, inside = number, []
        while number < len(lines) and lines[number].strip() != fence:
            inside.append(lines[number].removeprefix(indent))
            number += 1
        if number == len(lines):
            raise ValueError(f"{page}:{start}: the block has no end")
        number += 1
        language, *marks = re.split(r"[\s,]+", info.strip()) or [""]
        marks = dict((mark.partition("=")[0], mark.partition("=")[2]) for mark in marks if mark)
        found.append(Block(page, start, language, marks, "".join(f"{line}\n" for line in inside)))
    return found


def mistakes(all_blocks):
    """What is wrong with the info strings themselves."""
    for index, block in enumerate(all_blocks):
        before = all_blocks[index - 1] if index else None
        if not block.language:
            yield block, "has no language; say what it is (`text` for none)"
        if block.language in ALIASES:
            yield block, f"is `{block.language}`; write `sh`, so that it is run"
        if "no_run" in block.marks and not REASONS.keys() & block.marks.keys():
            yield block, f"is not run and does not say why: {', '.join(REASONS)}"
        if block.is_output and not (before and before.is_run and before.language == "sh"):
            yield block, "is the output of no `sh` block that is run"


def commands(block):
    """The commands of a transcript, each with what it prints. A command goes on where a line ends with a backslash."""
    found, goes_on = [], False
    for line in block.text.splitlines():
        if goes_on:
            found[-1][0].append(line)
        elif line.startswith("$ "):
            found.append(([line[2:]], []))
        elif not found:
            raise ValueError(f"{block.place}: a transcript begins with `$ `")
        else:
            found[-1][1].append(line)
        goes_on = (goes_on or line.startswith("$ ")) and line.endswith("\\")
    return [("\n".join(command) + "\n", "".join(f"{line}\n" for line in printed)) for command, printed in found]
