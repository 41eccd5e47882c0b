"""Writes the evidence folder of one purpose: journal, capture with keys, ladder, judgements, flows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imsproof.evidence import capture, journal, ladder
from imsproof.evidence.files import make_folder, write_atomic, write_json
from imsproof.evidence.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from imsproof.evidence.result import PurposeResult
    from imsproof.seams import Flow, Record, TapPacket, Verdict

JUDGEMENTS, LADDER = "judgements.json", "ladder.svg"


def write_purpose(  # noqa: PLR0913 - what a purpose leaves behind, each by its name
    run: Path,
    result: PurposeResult,
    record: Record,
    *,
    needs_control: bool,
    raised: tuple[Verdict, str] | None,
    packets: Sequence[TapPacket] = (),
    keys: Sequence[str] = (),
    flows: Sequence[Flow] = (),
    secrets: Iterable[str | bytes] = (),
    dropped: int = 0,
    extra_files: Mapping[str, bytes] | None = None,
) -> PurposeResult:
    """Write the evidence of a purpose and return its result as it belongs into ``run.json``, without secrets.

    Args:
        run: the run folder; what is written lies below ``evidence/<ID>/`` in it.
        result: the verdict.
        record: the events and judgements.
        needs_control: whether a refusal counts only after an accepted control.
        raised: verdict (``inconclusive``, ``error``) and reason when the harness could not go on, else ``None``.
        packets: the link's tap.
        keys: lines of the TLS key log (NSS format), of TLS and DTLS.
        flows: the sockets of the purpose.
        secrets: what must not stand in the evidence unless it crossed the wire.
        dropped: packets that crossed and that the tap did not keep.
        extra_files: further files by name (keys of another form, as Wireshark's ``esp_sa``).

    Raises:
        HarnessError: a file cannot be written.
        ValueError: a fact is not plain JSON.
    """
    redactor = Redactor(secrets)
    events = [redactor.event(event) for event in record.events]
    judgements = tuple(redactor.judgement(judgement) for judgement in record.judgements)
    told = replace(result, reason=redactor.text(result.reason), judgements=judgements, evidence=f"evidence/{result.id}")
    folder = make_folder(run / "evidence" / result.id)
    journal.write(folder / journal.JOURNAL, events)
    harness = (raised[0], redactor.text(raised[1])) if raised else None
    write_json(folder / JUDGEMENTS, judgements_to_json(told, needs_control=needs_control, raised=harness))
    capture.write_flows(folder / capture.FLOWS, flows, events, dropped)
    write_atomic(folder / capture.KEYS, "".join(f"{line}\n" for line in keys).encode("ascii", "replace"))
    capture.write_tap(folder / capture.CAPTURE, result.id, packets, keys, dropped=dropped)
    for name, content in (extra_files or {}).items():
        write_atomic(folder / name, content)
    write_atomic(folder / LADDER, ladder.svg(told, events, judgements).encode())
    return told


def judgements_to_json(
    result: PurposeResult, *, needs_control: bool, raised: tuple[Verdict, str] | None
) -> dict[str, Any]:
    """Return the content of ``judgements.json``, from which ``verify`` decides again."""
    return {
        "schema": 1,
        "purpose": result.id,
        "needs_control": needs_control,
        "verdict": result.verdict.value,
        "reason": result.reason,
        "control": result.control,
        "raised": {"verdict": raised[0].value, "reason": raised[1]} if raised else None,
        "judgements": [judgement.to_json() for judgement in result.judgements],
    }


def parse_judgements(data: bytes) -> dict[str, Any]:
    """Return the content of a ``judgements.json``, its outer form checked.

    Raises:
        ValueError: it is none.
    """
    try:
        value = json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    form = {"schema": int, "judgements": list, "needs_control": bool, "purpose": str, "verdict": str, "reason": str}
    if not isinstance(value, dict) or not all(isinstance(value.get(key), kind) for key, kind in form.items()):
        raise ValueError(f"no judgements.json: {', '.join(form)} are not all there in their forms")
    if value["schema"] != 1:
        raise ValueError(f"judgements.json has schema {value['schema']}; this version reads 1")
    return value
