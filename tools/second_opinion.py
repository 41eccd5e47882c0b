"""A second opinion on a bundle: it shares no code with imsproof, needs Python's standard library only, and is short.

docs/evidence.md is all that it was written from. It checks every hash, decides every verdict again from the judgements,
reads the answers that controls and fails rest on once more from their bytes, and looks for the journal's plain
datagrams in the captures. What it does not do: compute the other predicates again, and decrypt.

    python3 tools/second_opinion.py bundle.zip
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import zipfile
from typing import Any

SUCCESS = range(200, 300)
WORST_FIRST = ("fail", "error", "inconclusive", "pass-with-remark", "pass")
BEGINNING = 400
"""Octets with which a datagram is looked for: the rest may have crossed in other IP fragments."""

Json = dict[str, Any]


def decide(judgements: list[Json], needs_control: bool) -> str:
    """The verdict on a purpose: the table of docs/evidence.md."""
    by_role = {
        role: [j["outcome"] for j in judgements if j["role"] == role] for role in ("control", "claim", "alive", "form")
    }
    claims, refused = by_role["claim"], any(one != "holds" for one in by_role["control"])
    if not claims and not refused:
        return "error"
    if refused or (needs_control and not by_role["control"]):
        return "inconclusive"
    if "does not hold" in claims:
        return "fail"
    unsure = "cannot be told" in claims or any(one != "holds" for one in by_role["alive"])
    if unsure or (needs_control and not by_role["alive"]):
        return "inconclusive"
    return "pass" if all(one == "holds" for one in by_role["form"]) else "pass-with-remark"


def conclude(told: Json) -> str:
    """The verdict with what the harness said when it could not go on."""
    verdict, raised = decide(told["judgements"], told["needs_control"]), told["raised"]
    if raised is None or (verdict == "fail" and raised["verdict"] == "inconclusive"):
        return verdict
    return str(raised["verdict"])


def run_verdict(purposes: list[Json], planned: list[str]) -> str:
    """The verdict on the run."""
    must = {one["verdict"] for one in purposes if one.get("mandatory", True)}
    worst = next((verdict for verdict in WORST_FIRST if verdict in must), "")
    if worst in {"fail", "error"}:
        return worst
    if not worst or set(planned) - {one["id"] for one in purposes}:
        return "inconclusive"
    others = {one["verdict"] for one in purposes if not one.get("mandatory", True)}
    return "pass-with-remark" if worst == "pass" and others - {"pass", "not-applicable"} else worst


def status(event: Json) -> int:
    """The status of an answer: of SIP from its bytes, of HTTP as the journal tells it; 0 where it is none."""
    if event["kind"] != "received":
        return 0
    line = re.match(rb"\s*SIP/2\.0 (\d{3}) ", base64.b64decode(event["data"]))
    return int(line[1]) if line else int(event["facts"].get("status") or 0)


def contradicted(judgement: Json, events: dict[int, Json]) -> bool:
    """Whether an answer that was good for a control, or bad for a refusal, is not in the event that is named."""
    wanted = (judgement["predicate"], judgement["outcome"]) in {("accepted", "holds"), ("refused", "does not hold")}
    if not wanted or not judgement["events"]:
        return False
    named = [events[number] for number in judgement["events"]]
    answers = [one for one in map(status, named) if one]
    accept = judgement["params"].get("accept") or SUCCESS
    at_home = all(one["exchange"] == judgement["params"]["exchange"] for one in named)
    return not at_home or bool(answers and not any(one in accept for one in answers))


def of_purpose(bundle: zipfile.ZipFile, result: Json) -> list[str]:
    """What is wrong with the evidence of one purpose."""
    folder = f"evidence/{result['id']}"
    told = json.loads(bundle.read(f"{folder}/judgements.json"))
    events = {e["seq"]: e for e in map(json.loads, bundle.read(f"{folder}/journal.jsonl").splitlines())}
    packets = bundle.read(f"{folder}/capture.pcapng")
    flows = json.loads(bundle.read(f"{folder}/flows.json"))
    wrong = [] if told["purpose"] == result["id"] else ["judgements.json is another purpose's"]
    if not conclude(told) == told["verdict"] == result["verdict"]:
        wrong.append(f"is {result['verdict']} and {told['verdict']}; its judgements give {conclude(told)}")
    if result["judgements"] != told["judgements"]:
        wrong.append("run.json and judgements.json differ")
    wrong += [
        f"{one['sentence']!r} is not what its events show" for one in told["judgements"] if contradicted(one, events)
    ]
    sent = [
        base64.b64decode(e["data"])
        for e in events.values()
        if e["transport"] == "udp" and e["kind"] in {"sent", "received"}
    ]
    lost = sum(data[:BEGINNING] not in packets for data in sent)
    return wrong + ([f"{lost} datagrams are not in the capture"] if lost > flows["dropped"] else [])


def opinion(path: str) -> list[str]:
    """What is wrong with a bundle, one line each."""
    with zipfile.ZipFile(path) as bundle:
        manifest, run = json.loads(bundle.read("manifest.json")), json.loads(bundle.read("run.json"))
        hashes = {one["path"]: one["sha256"] for one in manifest["files"]}
        beside = {"manifest.json", "manifest.json.sig"}
        wrong = [f"{name}: not in both manifest and archive" for name in set(bundle.namelist()) - beside ^ set(hashes)]
        wrong += [f"{n}: another hash" for n, h in hashes.items() if hashlib.sha256(bundle.read(n)).hexdigest() != h]
        purposes = run["purposes"]
        decided = run_verdict(purposes, run["planned"])
        counts = {name: sum(one["verdict"] == name for one in purposes) for name in run["counts"]}
        if (run["verdict"], run["counts"]) != (decided, counts):
            wrong.append(f"the run is {run['verdict']} {run['counts']}; its purposes give {decided} {counts}")
        known = {"evidence/" + one["id"] for one in purposes}
        strangers = {name.rpartition("/")[0] for name in hashes if name.startswith("evidence/")} - known
        wrong += [f"{name}: belongs to no purpose of run.json" for name in strangers]
        for one in purposes:
            if one["evidence"]:
                try:
                    wrong += [f"{one['id']}: {told}" for told in of_purpose(bundle, one)]
                except (KeyError, TypeError, ValueError) as error:
                    wrong.append(f"{one['id']}: cannot be read: {error!r}")
            elif one["verdict"] in {"pass", "pass-with-remark", "fail"}:
                wrong.append(f"{one['id']}: {one['verdict']} without evidence")
    return wrong


if __name__ == "__main__":
    found = opinion(sys.argv[1])
    print("\n".join(found) or "nothing is wrong with it")
    sys.exit(bool(found))
