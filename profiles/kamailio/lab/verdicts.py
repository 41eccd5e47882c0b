"""Runs `imsproof run` and compares its verdicts with those that were looked at by hand.

    python verdicts.py --expected expected-default.json -- imsproof run profiles/kamailio-default.yaml
    python verdicts.py --expected expected-default.json --update -- imsproof run ...   # writes what is new

A purpose whose verdict changed is run once more; if it is then as expected, it is told as unsteady and counts as
expected: what is under test here is not ours, and its own races are in docs/findings.md (F14).

An expected-results file holds, by purpose, the verdict and why it is right: a real weakness of that configuration,
or correct. Exit status 0 when every verdict is the expected one, whatever it is; 1 when one changed, is new or is
gone; 3 when a purpose ended in `error` or there is no result; 4 when the lab was not reachable.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

CHANGED, NO_RESULT, UNREACHABLE = 1, 3, 4
UNEXPLAINED = "not looked at yet"


def main() -> int:
    """Run, compare, tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--expected", type=Path, required=True)
    parser.add_argument("--update", action="store_true", help="write verdicts that are new or changed into the file")
    parser.add_argument("--last", metavar="REGEX", help="run purposes that match after all others")
    at = sys.argv.index("--")
    options, command = parser.parse_args(sys.argv[1:at]), sys.argv[at + 1 :]
    verdicts: dict[str, dict[str, str]] = {}
    for chosen in _parts(command[0], options.last):
        found = run([*command, *chosen])
        if isinstance(found, int):
            return found
        verdicts |= found
    expected = json.loads(options.expected.read_text()) if options.expected.exists() else {}
    verdicts |= again(command, expected, verdicts)
    changes = list(compare(expected, verdicts))
    for change in changes:
        print(f"expected results: {change}")
    if options.update:
        options.expected.write_text(json.dumps(updated(expected, verdicts), indent=2, ensure_ascii=False) + "\n")
    print(f"expected results: {len(verdicts) - len(changes)} of {len(verdicts)} as in {options.expected.name}")
    return CHANGED if changes else 0


def _parts(imsproof: str, last: str | None) -> list[list[str]]:
    """Return which purposes to run together: all, or those first that do not match ``last``."""
    if last is None:
        return [[]]
    told = subprocess.run([imsproof, "purposes", "--format", "json"], capture_output=True, check=True).stdout
    known = [one["id"] for one in json.loads(told)["purposes"]]
    parts = [[one for one in known if bool(re.match(last, one)) is late] for late in (False, True)]
    return [[word for purpose in part for word in ("--purpose", purpose)] for part in parts]


def run(command: list[str]) -> dict[str, dict[str, str]] | int:
    """Run imsproof; return its results by purpose, or the exit status when there are none."""
    out = Path(os.environ.get("IMSPROOF_REAL_DIR", "reports"))  # beside the logs of the lab that it runs against
    before = set(out.glob("*/run.json"))
    status = subprocess.run([*command, "--out", str(out)], check=False).returncode
    new = set(out.glob("*/run.json")) - before
    if status == UNREACHABLE or not new:
        return status or NO_RESULT
    (own,) = new
    results = json.loads(own.read_text())["purposes"]
    return {one["id"]: {**one, "seen": seen(own.parent / "evidence" / one["id"])} for one in results}


def again(
    command: list[str], expected: dict[str, dict[str, str]], verdicts: dict[str, dict[str, str]]
) -> dict[str, dict[str, str]]:
    """Run purposes whose verdict changed once more, and say which are unsteady; returns the second results."""
    changed = [one for one, told in verdicts.items() if one in expected and expected[one]["verdict"] != told["verdict"]]
    if not changed:
        return {}
    found = run([*command, *(word for one in changed for word in ("--purpose", one))])
    if isinstance(found, int):
        return {}
    for one, told in found.items():
        if told["verdict"] == expected[one]["verdict"]:
            first = verdicts[one]
            print(f"expected results: {one}: unsteady: {first['verdict']} ({first['reason']}), then as expected")
    return found


def seen(evidence: Path) -> str:
    """Return what the first claim of a purpose saw, in its own words."""
    try:
        judgements = json.loads((evidence / "judgements.json").read_text())["judgements"]
    except (OSError, ValueError):
        return ""
    claims = [one["sentence"] for one in judgements if one["role"] == "claim"]
    return claims[0].partition(": ")[2] or claims[0] if claims else ""


def compare(expected: dict[str, dict[str, str]], verdicts: dict[str, dict[str, str]]) -> list[str]:
    """Say what is not as expected, one line each."""
    told = []
    for purpose in sorted(expected.keys() | verdicts.keys()):
        if purpose not in verdicts:
            told.append(f"{purpose}: {expected[purpose]['verdict']} was expected, it did not run")
        elif purpose not in expected and verdicts[purpose]["verdict"] == "not-applicable":
            continue
        elif purpose not in expected:
            told.append(f"{purpose}: {verdicts[purpose]['verdict']}, but nobody has looked at it yet")
        elif expected[purpose]["verdict"] != verdicts[purpose]["verdict"]:
            was, found = expected[purpose]["verdict"], verdicts[purpose]
            told.append(f"{purpose}: {was} was expected, found {found['verdict']} ({found['reason']})")
    return told


def updated(expected: dict[str, dict[str, str]], verdicts: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return the file's new content: reasons stay where the verdict stays."""
    result = {}
    for purpose in sorted(verdicts):
        found, known = verdicts[purpose], expected.get(purpose)
        reason = known["reason"] if known and known["verdict"] == found["verdict"] else UNEXPLAINED
        if found["verdict"] == "not-applicable":
            reason = found["reason"]
        elif found["verdict"] == "pass" and reason == UNEXPLAINED:
            reason = f"correct: {found['seen']}"
        result[purpose] = {"verdict": found["verdict"], "reason": reason}
    return result


if __name__ == "__main__":
    sys.exit(main())
