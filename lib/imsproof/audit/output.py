"""An audit for people and for other tools: lines, Markdown, JUnit, one HTML page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from imsproof.audit.checks import Word
from imsproof.evidence.text import clean, escape, shorten
from imsproof.report.links import document_url
from imsproof.report.style import STYLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imsproof.audit.checks import Audit, Result
    from imsproof.catalogue import Citation

TONE = {Word.FAIL: "fail", Word.UNDECIDED: "inconclusive", Word.CLEAN: "pass", Word.UNSEEN: "not-applicable"}
"""The colours of a run's verdicts, for the words of an audit."""
MEANING = {
    Word.FAIL: "what must not happen crossed the wire",
    Word.UNDECIDED: "something was seen, and the capture alone does not say whether it is wrong",
    Word.CLEAN: "it was exercised so often, and nothing wrong was seen; no pass, as nobody tried to break it",
    Word.UNSEEN: "nothing in the capture exercises it",
}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def lines(audit: Audit) -> Iterator[str]:
    """Yield the audit for a terminal or a pipe: the worst first, what was not seen in one line at the end."""
    about = audit.reading.about
    yield f"{audit.name}: {about.packets} packets, SHA-256 {audit.sha256[:16]}…"
    yield "seen: " + (", ".join(f"{count} {what}" for what, count in audit.reading.counts.most_common()) or "nothing")
    for note in audit.reading.notes:
        yield f"note: {note}"
    for word in (Word.FAIL, Word.UNDECIDED, Word.CLEAN):
        for one in audit.results:
            if one.word is word:
                yield f"{one.told}  {one.check.id}  {one.check.title}"
                if word is not Word.CLEAN:
                    yield f"    {one.judgement.sentence}"
                    yield f"    {'; '.join(map(str, one.check.citations))}{_frames(one)}"
    unseen = [one.check.id for one in audit.results if one.word is Word.UNSEEN]
    if unseen:
        yield f"not seen ({len(unseen)}): {', '.join(unseen)}"


def _frames(one: Result) -> str:
    return f"; packet {', '.join(str(place.frame) for place in one.places[:8])}" if one.places else ""


def markdown(audit: Audit) -> str:
    """Return the audit as Markdown."""
    rows = ["| verdict | check | what must hold | seen | clauses |", "| --- | --- | --- | --- | --- |"]
    for one in audit.results:
        seen = "" if one.word is Word.UNSEEN else f"{one.judgement.sentence}{_frames(one)}"
        cells = (one.told, one.check.id, one.check.title, seen, "; ".join(map(str, one.check.citations)))
        rows.append("| " + " | ".join(_cell(text) for text in cells) + " |")
    notes = "".join(f"\n- {_cell(note)}" for note in audit.reading.notes)
    return f"**{audit.word}**: {_cell(audit.name)}\n\n" + "\n".join(rows) + (f"\n{notes}" if notes else "")


def _cell(text: str) -> str:
    """Return text of anybody's that cannot leave its cell, nor be markup."""
    flat = " ".join(clean(text).split())
    return "".join(f"\\{one}" if one in r"\`*_[]<>|!#" else one for one in flat)


def junit(audit: Audit) -> bytes:
    """Return the audit as JUnit XML: *undecided* is an error there, and what was not seen is skipped."""
    failed, undecided, unseen = (audit.counts[word.value] for word in (Word.FAIL, Word.UNDECIDED, Word.UNSEEN))
    root = ET.Element("testsuites", name="imsproof audit")
    counts = {"tests": len(audit.results), "failures": failed, "errors": undecided, "skipped": unseen}
    suite = _element(root, "testsuite", name=audit.name, **counts)
    elements = {Word.FAIL: "failure", Word.UNDECIDED: "error", Word.UNSEEN: "skipped"}
    for one in audit.results:
        name = f"{one.check.id} {one.check.title}"
        case = _element(suite, "testcase", classname=one.check.id.rpartition("-")[0], name=name, time="0")
        if one.word in elements:
            _element(case, elements[one.word], message=one.judgement.sentence, type=str(one.word))
        _element(case, "system-out").text = clean(f"{one.told}: {one.judgement.sentence}{_frames(one)}")
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _element(parent: ET.Element, tag: str, **attributes: str | int) -> ET.Element:
    return ET.SubElement(parent, tag, {key: clean(str(value)) for key, value in attributes.items()})


def html(audit: Audit) -> str:
    """Return one page, without script, that loads nothing."""
    about = audit.reading.about
    order = list(Word)
    shown = sorted((one for one in audit.results if one.word is not Word.UNSEEN), key=lambda one: order.index(one.word))
    unseen = "".join(
        f'<tr><th scope="row">{escape(one.check.id)}</th><td>{escape(one.check.title)}</td></tr>'
        for one in audit.results
        if one.word is Word.UNSEEN
    )
    legend = "".join(
        f'<li><b class="dot {TONE[word]}"></b><span class="n">{audit.counts[word.value]}</span> {word}</li>'
        for word in order
    )
    bar = "".join(
        f'<i class="{TONE[word]}" style="flex:{audit.counts[word.value]}"></i>' for word in order if audit.counts[word]
    )
    facts = [("packets", about.packets), ("SHA-256", audit.sha256), *audit.reading.counts.most_common()]
    told = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)
    notes = "".join(f"<li>{escape(note)}</li>" for note in audit.reading.notes)
    how = "".join(f'<li><span class="badge {TONE[word]}">{word}</span> {MEANING[word]}</li>' for word in order)
    body = (
        f'<header><p class="brand">imsproof · passive audit of a capture</p><h1><span class="badge big '
        f'{TONE[audit.word]}">{audit.word}</span> {escape(audit.name)}</h1><div class="bar" role="img" '
        f'aria-label="{len(audit.results)} checks">{bar}</div><ul class="legend">{legend}</ul>'
        f'<dl class="facts">{told}</dl></header>'
        + (f'<section class="attention"><h2>Not looked at</h2><ul>{notes}</ul></section>' if notes else "")
        + "<h2>Checks</h2>"
        + "".join(map(_check, shown))
        + (f'<details class="absent"><summary>not seen</summary><table>{unseen}</table></details>' if unseen else "")
        + f"<footer><h2>How to read this</h2><ul>{how}</ul></footer>"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        f'content="light dark"><title>{escape(f"{audit.word}: {audit.name}")}</title><style>{STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>\n"
    )


def _check(one: Result) -> str:
    opened = " open" if one.word in {Word.FAIL, Word.UNDECIDED} else ""
    places = "".join(
        f"<li>packet {place.frame} · {escape(place.utc)} · {escape(place.who)}</li>" for place in one.places
    )
    parts = [("Seen", f"<p>{escape(one.judgement.sentence)}</p>"), ("Where", f"<ul>{places}</ul>")]
    parts.append(("Cites", "".join(map(_citation, one.check.citations))))
    if one.check.purposes:
        tested = ", ".join(escape(purpose) for purpose in one.check.purposes)
        parts.append(("Tested by", f"<p>{tested} (imsproof run --purpose ID tries it actively)</p>"))
    told = "".join(f"<dt>{name}</dt><dd>{content}</dd>" for name, content in parts)
    return (
        f'<details class="purpose {TONE[one.word]}"{opened}><summary><span class="badge {TONE[one.word]}">'
        f"{escape(shorten(one.told, 60))}</span><b>{escape(one.check.id)}</b><span class=title>"
        f'{escape(one.check.title)}</span></summary><div class="body"><dl>{told}</dl></div></details>'
    )


def _citation(citation: Citation) -> str:
    text = escape(citation)
    url = document_url(citation.document)
    link = f'<a href="{escape(url)}" rel="noreferrer">{text}</a>' if url else text
    return f'<span class="cite">{link}</span> '
