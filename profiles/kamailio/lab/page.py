"""Writes docs/real-lab.md from the expected-results files: the configurations side by side.

python page.py > docs/real-lab.md
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
COLUMNS = ("registrar", "default", "hardened", "e2dce", "datachannel")
HEAD = """# The real lab's verdicts, side by side

What imsproof finds on software that is not ours, in the configurations of `profiles/kamailio/`. Each verdict was looked
at by hand; `make run-real` fails when one changes. Written by `profiles/kamailio/lab/page.py`.

"""


def main() -> None:
    """Print the page."""
    expected = {name: json.loads((HERE / f"expected-{name}.json").read_text()) for name in COLUMNS}
    purposes = sorted({purpose for one in expected.values() for purpose in one})
    out = [HEAD, "| purpose | " + " | ".join(COLUMNS) + " |\n", "| --- |" + " --- |" * len(COLUMNS) + "\n"]
    for purpose in purposes:
        cells = [expected[name].get(purpose, {}).get("verdict", "") for name in COLUMNS]
        out.append(f"| {purpose} | " + " | ".join(cells) + " |\n")
    for name in COLUMNS:
        out.append(f"\n## {name}: why\n\n")
        out += [
            f"- {purpose}, {told['verdict']}: {told['reason']}\n"
            for purpose, told in sorted(expected[name].items())
            if told["verdict"] != "not-applicable"
        ]
    sys.stdout.write("".join(out))


if __name__ == "__main__":
    main()
