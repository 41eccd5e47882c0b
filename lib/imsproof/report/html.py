"""``summary.html``: one file, no script, nothing from outside; the verdict first, then what it rests on."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from imsproof.evidence.files import write_atomic
from imsproof.evidence.text import escape
from imsproof.report.links import document_url
from imsproof.report.style import STYLE
from imsproof.seams import WORST_FIRST, Outcome, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from imsproof.evidence.result import Accepted, Citation, PurposeResult, Run
    from imsproof.seams import Judgement

SUMMARY = "summary.html"
LADDER_LIMIT = 300_000
"""Bytes; a longer ladder is linked and not shown in the page."""

PLANTED = "faults of the reference lab with which this purpose must fail; calibration shows that it does"

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_SIGNS = {Outcome.HOLDS: "✓", Outcome.FAILS: "✗", Outcome.UNKNOWN: "?"}
_TONES = {Outcome.HOLDS: "good", Outcome.FAILS: "bad", Outcome.UNKNOWN: "unsure"}
_FILES = (
    ("ladder.svg", "ladder"),
    ("capture.pcapng", "capture with keys"),
    ("journal.jsonl", "journal"),
    ("judgements.json", "judgements"),
    ("error.txt", "error"),
)
_CHECKED = {
    "text": "the clause was read in the document",
    "quote": "the wording was checked in a quotation of the clause",
    "secondary": "taken from another document that speaks of the clause",
    "title": "only the title of the clause was checked",
    "unchecked": "from memory, not checked",
}
_VERDICTS = {
    Verdict.PASS: "what was promised was shown",
    Verdict.REMARK: "security held, but with another code or alert than the clause names",
    Verdict.FAIL: "what was promised does not hold",
    Verdict.INCONCLUSIVE: "it could not be decided, for the reason given",
    Verdict.NOT_APPLICABLE: "the profile does not claim it, or lacks what it needs",
    Verdict.ERROR: "the harness failed; never held against the lab",
}

_TELLS = "That this purpose tells right from wrong is shown by"
_WHOSE = {
    Verdict.FAIL: "",
    Verdict.REMARK: "the lab's, as far as the form matters: security held.",
    Verdict.INCONCLUSIVE: "nobody's yet: the reason above says what kept it from a verdict; mend that, run it again.",
    Verdict.ERROR: "the tester's: it is not held against the lab. Tell us, with this folder.",
}
"""Whose a finding is: the lab's, the tester's, or nobody's yet."""

FEW = 40
"""Purposes; in a longer run the ladders of those that passed are linked and not shown in the page."""
_NOT_MANDATORY = "<p>Not mandatory: it does not fail the run.</p>"


def write(folder: Path, run: Run) -> Path:
    """Write ``summary.html`` into a run folder and return its path (``HarnessError`` when it cannot be written)."""
    path = folder / SUMMARY
    write_atomic(path, page(run, lambda identity: _ladder_file(folder, identity)).encode("utf-8"))
    return path


def page(run: Run, ladder: Callable[[str], bytes | None] = lambda _: None) -> str:
    """Return the page. ``ladder`` gives the SVG of a purpose, which is shown inside the page."""
    applied = [result for result in run.results if result.verdict is not Verdict.NOT_APPLICABLE]
    absent = [result for result in run.results if result.verdict is Verdict.NOT_APPLICABLE]
    rank = {verdict: n for n, verdict in enumerate(WORST_FIRST)}
    applied.sort(key=lambda result: (result.family, result.id))
    worst = sorted(applied, key=lambda result: rank[result.verdict])
    attention = [result for result in worst if result.verdict not in {Verdict.PASS, Verdict.REMARK}]
    body = "".join(
        (
            _head(run),
            _attention(attention, run.accepted),
            _families(run.results),
            "<h2>Purposes</h2>",
            *(
                _purpose(result, ladder if _draws(result, len(applied)) else lambda _: None, run.accepted)
                for result in applied
            ),
            _absent(absent, run.outstanding),
            _foot(),
        )
    )
    title = f"{run.verdict.value}: {run.info.profile}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        f'content="light dark"><title>{escape(title)}</title><style>{STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>\n"
    )


def _draws(result: PurposeResult, many: int) -> bool:
    """Whether the ladder stands in the page: in a long run only those of what did not pass; the others are linked."""
    return many <= FEW or result.verdict is not Verdict.PASS


def _head(run: Run) -> str:
    info = run.info
    source = "packets on the wire" if info.capture_source == "wire" else "the link's own tap"
    facts = [
        ("profile", info.profile),
        ("started", _when(info.started)),
        ("finished", _when(info.finished) if info.finished else "not finished"),
        ("run", info.id),
        ("seed", info.seed),
        ("imsproof", f"{info.version} {info.commit[:12]}".strip()),
        ("captures from", source),
    ]
    counts = run.counts
    total = sum(counts.values()) or 1
    bar = "".join(
        f'<i class="{v}" style="flex:{counts[v.value]}" title="{counts[v.value]} {v}"></i>'
        for v in _ORDER
        if counts[v.value]
    )
    legend = "".join(
        f'<li><b class="dot {v}"></b><span class="n">{counts[v.value]}</span> {v}</li>'
        for v in _ORDER
        if counts[v.value] or v in {Verdict.PASS, Verdict.FAIL}
    )
    told = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    return (
        f'<header><p class="brand">imsproof · security conformance run</p><h1><span class="badge big {run.verdict}">'
        f"{run.verdict}</span> {escape(info.profile)}</h1><p class=lead>{escape(run.reason)}</p>"
        f'<div class="bar" role="img" aria-label="{total} purposes">{bar}</div><ul class="legend">{legend}</ul>'
        f'<dl class="facts">{told}</dl></header>'
    )


def _attention(results: Sequence[PurposeResult], accepted: Mapping[str, Accepted]) -> str:
    if not results:
        return ""
    rows = "".join(
        f'<li><span class="badge {r.verdict}">{r.verdict}</span> <a href="#{escape(r.id)}">{escape(r.id)}</a> '
        f"<b>{escape(r.title)}</b> <span>{escape(r.reason)}{_accepted(accepted.get(r.id))}</span></li>"
        for r in results
    )
    return f'<section class="attention"><h2>Needs attention</h2><ul>{rows}</ul></section>'


def _accepted(known: Accepted | None) -> str:
    return f"<br><i>accepted until {escape(known.until)} by {escape(known.by)}</i>" if known else ""


def _families(results: Iterable[PurposeResult]) -> str:
    families: dict[str, dict[Verdict, int]] = {}
    for result in results:
        row = families.setdefault(result.family, dict.fromkeys(_ORDER, 0))
        row[result.verdict] += 1
    head = "".join(f'<th scope="col">{_SHORT[v]}</th>' for v in _ORDER)
    rows = "".join(
        f'<tr><th scope="row">{escape(family)}</th>'
        + "".join(f'<td class="{v if row[v] else "zero"}">{row[v] or "·"}</td>' for v in _ORDER)
        + "</tr>"
        for family, row in sorted(families.items())
    )
    return (
        '<h2>Families</h2><div class="scroll"><table class="families"><thead><tr><th scope="col">family</th>'
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _purpose(result: PurposeResult, ladder: Callable[[str], bytes | None], accepted: Mapping[str, Accepted]) -> str:
    shown = " open" if result.verdict not in {Verdict.PASS, Verdict.REMARK} else ""
    parts = [
        _part("Expected", f"<p>{escape(result.expected or result.title)}</p>{_NOT_MANDATORY * (not result.mandatory)}"),
        _part("Seen", _judgements(result.judgements) + _reason(result)),
        _part("Control", f"<p>{escape(result.control)}</p>") if result.control else "",
        _part("Whose", f"<p>{_whose(result)}</p>") if result.verdict in _WHOSE else "",
        _part("Accepted", f"<p>{escape(known.reason)}{_accepted(known)}; the verdict stays</p>")
        if (known := accepted.get(result.id))
        else "",
        _part("Cites", "".join(_citation(one) for one in result.citations)) if result.citations else "",
        _part("Exposed by", "".join(f"<code>{escape(fault)}</code> " for fault in result.faults), PLANTED)
        if result.faults
        else "",
        _part("Evidence", _evidence(result)) if result.evidence else "",
        _part("Again", f"<p><code>imsproof replay . {escape(result.id)}</code> in the run's folder</p>")
        if result.evidence and result.verdict in _WHOSE
        else "",
    ]
    drawn = ladder(result.id) if result.evidence else None
    picture = ""
    if drawn:
        data = base64.b64encode(drawn).decode("ascii")
        picture = (
            f'<details class="ladder"><summary>Message ladder</summary><div class="scroll"><img loading="lazy" '
            f'alt="message ladder of {escape(result.id)}" src="data:image/svg+xml;base64,{data}"></div></details>'
        )
    return (
        f'<details class="purpose {result.verdict}" id="{escape(result.id)}"{shown}><summary>'
        f'<span class="badge {result.verdict}">{result.verdict}</span><b>{escape(result.id)}</b>'
        f'<span class="title">{escape(result.title)}</span>'
        f'<span class="time">{result.duration_s:.2f} s</span></summary>'
        f'<div class="body"><dl>{"".join(parts)}</dl>{picture}</div></details>'
    )


def _whose(result: PurposeResult) -> str:
    """Say whether the lab or the tester has to look, and how anybody can tell."""
    told = _WHOSE[result.verdict]
    if result.verdict is Verdict.FAIL and result.control == "accepted":
        told = "the lab's: it accepted the right request, and did not hold off the wrong one. " + _TELLS
    elif result.verdict is Verdict.FAIL:
        told = "the lab's: what must not happen was seen, and the events named above are in the capture. " + _TELLS
    return f"{told} <code>imsproof calibrate --purpose {escape(result.id)}</code>" if _TELLS in told else told


def _part(name: str, content: str, about: str = "") -> str:
    tip = f' title="{escape(about)}"' if about else ""
    return f"<dt{tip}>{name}</dt><dd>{content}</dd>"


def _reason(result: PurposeResult) -> str:
    if any(result.reason == one.sentence for one in result.judgements):
        return ""
    return f'<p class="reason">{escape(result.reason)}</p>'


def _judgements(judgements: Sequence[Judgement]) -> str:
    if not judgements:
        return ""
    rows = "".join(
        f'<li class="{_TONES[one.outcome]}"><b title="{escape(one.outcome)}">{_SIGNS[one.outcome]}</b> '
        f'<span class="role">{escape(one.role)}</span> <span>{escape(one.sentence)}'
        f"{_events(one.events)}</span></li>"
        for one in judgements
    )
    return f'<ul class="judgements">{rows}</ul>'


def _events(events: Sequence[int]) -> str:
    if not events:
        return ""
    named = ", ".join(f"#{number}" for number in events[:6]) + ("…" if len(events) > 6 else "")
    return f' <small title="events in the journal">{named}</small>'


def _citation(citation: Citation) -> str:
    text = escape(f"{citation.document} {citation.clause}".strip())
    url = document_url(citation.document)
    name = f'<a href="{escape(url)}" rel="noreferrer">{text}</a>' if url else text
    about = escape(_CHECKED.get(citation.checked, ""))
    checked = escape(citation.checked)
    return f'<span class="cite">{name} <i class="checked {checked}" title="{about}">{checked}</i></span> '


def _evidence(result: PurposeResult) -> str:
    folder = f"evidence/{result.id}"
    names = [(name, title) for name, title in _FILES if name != "error.txt" or result.verdict is Verdict.ERROR]
    return " · ".join(f'<a href="{escape(folder)}/{name}">{title}</a>' for name, title in names)


def _absent(results: Sequence[PurposeResult], outstanding: Sequence[str]) -> str:
    left = ""
    if outstanding:
        names = ", ".join(escape(identity) for identity in outstanding)
        left = f'<p class="undecided">Planned and not decided ({len(outstanding)}): {names}</p>'
    if not results:
        return left
    rows = "".join(
        f'<tr><th scope="row">{escape(r.id)}</th><td>{escape(r.title)}</td><td>{escape(r.reason)}</td></tr>'
        for r in sorted(results, key=lambda result: result.id)
    )
    return (
        f'{left}<details class="absent"><summary>{len(results)} purposes do not apply</summary><div class="scroll">'
        '<table><thead><tr><th scope="col">purpose</th><th scope="col">title</th><th scope="col">why not</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div></details>"
    )


def _foot() -> str:
    verdicts = "".join(f'<li><span class="badge {v}">{v}</span> {_VERDICTS[v]}</li>' for v in _ORDER)
    checked = "".join(f'<li><i class="checked {name}">{name}</i> {about}</li>' for name, about in _CHECKED.items())
    return (
        "<footer><h2>How to read this</h2><p>A refusal counts only after the control, the same request well formed and "
        "authorised, was accepted. Every sentence under <em>Seen</em> was computed from the purpose's journal; "
        "<code>imsproof verify bundle.zip</code> computes it again, offline, and holds the journal against packets. "
        "Numbers like #12 are events of the journal and rows of the ladder.</p>"
        f'<div class="two"><ul>{verdicts}</ul><ul>{checked}</ul></div></footer>'
    )


def _ladder_file(folder: Path, identity: str) -> bytes | None:
    path = folder / "evidence" / identity / "ladder.svg"
    try:
        return path.read_bytes() if path.stat().st_size <= LADDER_LIMIT else None
    except OSError:
        return None


def _when(utc: str) -> str:
    return utc.partition(".")[0].replace("T", " ") + " UTC"


_ORDER = (
    Verdict.PASS,
    Verdict.REMARK,
    Verdict.FAIL,
    Verdict.INCONCLUSIVE,
    Verdict.ERROR,
    Verdict.NOT_APPLICABLE,
)
_SHORT = {v: v.value for v in _ORDER} | {Verdict.REMARK: "remark", Verdict.NOT_APPLICABLE: "n/a"}
