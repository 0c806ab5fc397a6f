"""That the suite sees what it should: it is run before the pages."""

import unittest

from blocks import blocks, commands, mistakes
from compare import is_same

PAGE = """Text.

```sh
echo one
```

```text,output
one
```

- A list:

  ```console
  $ echo two \\
      three
  two three
  $ true
  ```
"""


class Blocks(unittest.TestCase):
    def test_a_page_is_read_in_order(self):
        shell, output, transcript = blocks("page", PAGE)
        self.assertEqual((shell.text, shell.line, shell.is_run), ("echo one\n", 3, True))
        self.assertTrue(output.is_output and not output.is_run)
        self.assertEqual(commands(transcript), [("echo two \\\n    three\n", "two three\n"), ("true\n", "")])

    def test_a_block_that_would_not_be_noticed_is_a_mistake(self):
        for info in ["", "bash", "sh,no_run", "text,output"]:
            self.assertEqual(len(list(mistakes(blocks("page", f"```{info}\nx\n```\n")))), 1, info)
        for info in ["sh", "sh,no_run,aws", "js", "text"]:
            self.assertEqual(list(mistakes(blocks("page", f"```{info}\nx\n```\n"))), [], info)

    def test_a_block_without_an_end_is_refused(self):
        self.assertRaises(ValueError, blocks, "page", "```sh\necho\n")


class Compared(unittest.TestCase):
    def test_ids_times_and_tokens_may_differ(self):
        page = "id 72cfa50e-57fc-4484-a3c8-0e895d6a1380 at 2026-11-25T02:51:16.534Z, token=eyJ0eXAi…"
        self.assertTrue(is_same(page, "id 11111111-57fc-4484-a3c8-0e895d6a1380 at 2027-01-01T00:00:00Z, token=eyJh.bc.de\n"))

    def test_nothing_else_may(self):
        for page, printed in [("ALLOW", "BLOCK"), ("", "{}"), ("ALLOW", "ALLOW\nBLOCK"), ("a … c", "a b"), ("12", "13")]:
            self.assertFalse(is_same(page, printed), (page, printed))
        self.assertTrue(is_same("a … c", "a b\nb c\n"))

    def test_json_may_be_broken_differently_and_not_say_something_else(self):
        self.assertTrue(is_same('{"a": [1,\n  2]}', '{"a":[1,2]}\n', is_json=True))
        self.assertFalse(is_same('{"a": "b c"}', '{"a":"bc"}', is_json=True))
