"""Runs `imsproof run` and compares its verdicts with those that were looked at by hand.

    python verdicts.py --dir new --lab "python up.py default" --expected x.json -- imsproof run default.yaml
    python verdicts.py ... --update -- imsproof run ...   # writes what is new

A purpose whose verdict changed is run once more, with the few others of its kind against a lab that was started anew;
if it is then as expected, it is told as unsteady and counts as expected: what is under test here is not ours, and its
own races are in docs/findings.md. The folder's verdicts.json keeps both verdicts (`make steady` counts them).

An expected-results file holds, by purpose, the verdict and why it is right: a real weakness of that configuration,
or correct. Exit status 0 when every verdict is the expected one, whatever it is; 1 when one changed, is new or is
gone; 3 when a purpose ended in `error` or there is no result; 4 when the lab was not reachable.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHANGED, NO_RESULT, UNREACHABLE = 1, 3, 4
UNEXPLAINED = "not looked at yet"

Verdicts = dict[str, dict[str, str]]
"""Verdict and reason by purpose."""


def main() -> int:
    """Run, compare, tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--expected", type=Path, required=True)
    parser.add_argument("--dir", type=Path, required=True, help="folder for the runs and their labs (a new one)")
    parser.add_argument("--lab", default="", help="starts a lab in the folder --dir and runs what stands after --")
    parser.add_argument("--update", action="store_true", help="write verdicts that are new or changed into the file")
    parser.add_argument(
        "--apart", metavar="REGEX", help="run purposes that match after all others, on a lab of their own"
    )
    at = sys.argv.index("--")
    options, command = parser.parse_args(sys.argv[1:at]), sys.argv[at + 1 :]
    lab = Lab(shlex.split(options.lab), command, options.dir)
    first = lab.run("first", [])
    if isinstance(first, int):
        return first
    expected = json.loads(options.expected.read_text()) if options.expected.exists() else {}
    second = again(lab, expected, first)
    verdicts = first | second
    (options.dir / "verdicts.json").write_text(json.dumps({"first": first, "second": second}, indent=1))
    changes = list(compare(expected, verdicts))
    for change in changes:
        print(f"expected results: {change}")
    if options.update:
        options.expected.write_text(json.dumps(updated(expected, verdicts), indent=2, ensure_ascii=False) + "\n")
    print(f"expected results: {len(verdicts) - len(changes)} of {len(verdicts)} as in {options.expected.name}")
    return CHANGED if changes else 0


@dataclass(frozen=True)
class Lab:
    """Runs imsproof, each time against a lab of its own.

    Attributes:
        start: the command that starts a lab around another command; empty where one runs already.
        command: ``imsproof run`` and the profile.
        folder: holds a folder for each run and its lab.
    """

    start: list[str]
    command: list[str]
    folder: Path

    def run(self, name: str, chosen: list[str]) -> Verdicts | int:
        """Run imsproof; return its results by purpose, or the exit status when there are none."""
        out = self.folder / name
        around = [*self.start, "--dir", str(out), "--"] if self.start else []
        status = subprocess.run([*around, *self.command, *chosen, "--out", str(out)], check=False).returncode
        found = sorted(out.glob("*/run.json"))
        if status == UNREACHABLE or not found:
            return status or NO_RESULT
        (own,) = found
        results = json.loads(own.read_text())["purposes"]
        return {
            one["id"]: {
                "verdict": one["verdict"],
                "reason": one["reason"],
                "seen": seen(own.parent / "evidence" / one["id"]),
            }
            for one in results
        }


def again(lab: Lab, expected: Verdicts, verdicts: Verdicts) -> Verdicts:
    """Run purposes whose verdict changed once more, and say which are unsteady; returns the second results."""
    changed = [one for one, told in verdicts.items() if one in expected and expected[one]["verdict"] != told["verdict"]]
    if not changed:
        return {}
    found = lab.run("again", [word for one in changed for word in ("--purpose", one)])
    if isinstance(found, int):
        return {}
    found = {one: told for one, told in found.items() if one in changed}  # the command may name families, too
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


def compare(expected: Verdicts, verdicts: Verdicts) -> list[str]:
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


def updated(expected: Verdicts, verdicts: Verdicts) -> Verdicts:
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
