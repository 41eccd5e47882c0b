"""Writes what the expected-results files say where people read it: docs/real-lab.md, and the table in README.md.

.venv/bin/python profiles/kamailio/lab/page.py            # writes both
.venv/bin/python profiles/kamailio/lab/page.py --check    # exit status 1 when one is not up to date
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

from imsproof import catalogue
from imsproof.seams import Verdict

HERE = Path(__file__).resolve().parent.parent
ROOT = HERE.parent.parent
PAGE, README = ROOT / "docs" / "real-lab.md", ROOT / "README.md"
LABS = {
    "registrar": "Kamailio 5.6 as digest registrar; nginx 1.22 with its own TLS defaults",
    "default": "Kamailio 5.6 as P-, I- and S-CSCF, as its samples decide; rtpengine 10.5; nginx with Debian's TLS line",
    "hardened": "the same with what an operator would switch on; nghttpx 1.52",
    "ipsec": "`hardened`, whose P-CSCF offers ipsec-3gpp, on a kernel without ESP (GM-AGREE and GM-ESP alone)",
    "esp": "the same on one with ESP (Linux 6.1 as a program, `make run-esp`)",
    "e2dce": "`hardened`, an IMS AS on ISC and a media function on werift",
    "datachannel": "that media function alone on a bench",
}
COUNTED = (Verdict.PASS, Verdict.REMARK, Verdict.FAIL, Verdict.INCONCLUSIVE)
BEGIN, END = "<!-- results: profiles/kamailio/lab/page.py -->", "<!-- end of results -->"
Told = dict[str, dict[str, str]]

HEAD = """# The real lab's verdicts, side by side

What imsproof finds on software that is not ours, in the configurations of `profiles/kamailio/`. Each verdict was looked
at by hand; `make run-real` fails when one changes. Written by `profiles/kamailio/lab/page.py`. F, R, D and H with a
number are sections of [findings.md](findings.md).

"""


def main() -> int:
    """Write both, or check them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 when a file is old")
    check = parser.parse_args().check
    expected = read()
    old = [path for path, text in ((PAGE, page(expected)), (README, readme(expected))) if not _write(path, text, check)]
    for path in old:
        print(f"{path.relative_to(ROOT)} is {'not up to date: run this without --check' if check else 'written'}")
    return 1 if check and old else 0


def _write(path: Path, text: str, check: bool) -> bool:
    """Write a file when it differs, unless it is only checked; return whether it was as it should be."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return True
    if not check:
        path.write_text(text, encoding="utf-8")
    return False


def read() -> dict[str, Told]:
    """Read the expected results of each configuration."""
    return {name: json.loads((HERE / f"expected-{name}.json").read_text()) for name in LABS}


def readme(expected: dict[str, Told]) -> str:
    """Return README.md with the table of results put in between its marks."""
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{summary(expected)}{END}{rest.partition(END)[2]}"


def summary(expected: dict[str, Told]) -> str:
    """How many purposes ended how, of those that were known when the expected results were last looked at."""
    rows = ["| lab | apply | " + " | ".join(COUNTED) + " |", "| --- |" + " --- |" * (len(COUNTED) + 1)]
    everything = len({purpose for told in expected.values() for purpose in told})  # calibration holds each to pass
    rows.append(f"| the embedded reference lab | {everything} | {everything} |" + " 0 |" * (len(COUNTED) - 1))
    for name, lab in LABS.items():
        counts = Counter(told["verdict"] for told in expected[name].values())
        applied = sum(counts[verdict] for verdict in COUNTED)
        rows.append(f"| `{name}`: {lab} | {applied} | " + " | ".join(str(counts[one]) for one in COUNTED) + " |")
    return "\n".join(rows) + "\n"


def page(expected: dict[str, Told]) -> str:
    """Return docs/real-lab.md."""
    return "".join([HEAD, summary(expected), *differences(expected), *table(expected), *reasons(expected)])


def differences(expected: dict[str, Told], left: str = "default", right: str = "hardened") -> list[str]:
    """Say clause by clause what an operator's configuration changes."""
    out = [f"\n## {left} and {right}, clause by clause\n\nOnly where the two verdicts differ.\n\n"]
    out.append(f"| clause | what must hold | {left} | {right} |\n| --- | --- | --- | --- |\n")
    for one in catalogue.load():
        before, after = expected[left].get(one.id), expected[right].get(one.id)
        if before and after and before["verdict"] != after["verdict"]:
            clauses = "; ".join(str(cited) for cited in one.citations)
            cells = [clauses, f"{one.id}: {one.title}", *(_cell(told) for told in (before, after))]
            out.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return out


def _cell(told: dict[str, str]) -> str:
    return told["verdict"] if told["verdict"] == "pass" else f"{told['verdict']}: {told['reason']}"


def table(expected: dict[str, Told]) -> list[str]:
    """Return every verdict in every configuration."""
    out = ["\n## All verdicts\n\n", "| purpose | " + " | ".join(LABS) + " |\n", "| --- |" + " --- |" * len(LABS) + "\n"]
    for purpose in sorted({purpose for one in expected.values() for purpose in one}):
        cells = [expected[name].get(purpose, {}).get("verdict", "") for name in LABS]
        out.append(f"| {purpose} | " + " | ".join(cells) + " |\n")
    return out


def reasons(expected: dict[str, Told]) -> list[str]:
    """Say why each verdict is right."""
    out = []
    for name in LABS:
        out.append(f"\n## {name}: why\n\n")
        out += [
            f"- {purpose}, {told['verdict']}: {told['reason']}\n"
            for purpose, told in sorted(expected[name].items())
            if told["verdict"] != "not-applicable"
        ]
    return out


if __name__ == "__main__":
    sys.exit(main())
