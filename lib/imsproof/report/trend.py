"""Many runs on one page: a column a run, the newest first; a row for each purpose that was not always the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.evidence.text import escape
from imsproof.report.style import STYLE
from imsproof.seams import Verdict

if TYPE_CHECKING:
    from imsproof.evidence.history import History, Row

SIGNS = {
    Verdict.PASS: "+",
    Verdict.REMARK: "~",
    Verdict.FAIL: "F",
    Verdict.INCONCLUSIVE: "?",
    Verdict.ERROR: "E",
}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(history: History) -> str:
    """Return the page: one file, no script, nothing from outside."""
    steady = [row for row in history.rows if not row.changes]
    moving = sorted((row for row in history.rows if row.changes), key=lambda row: (-row.changes, row.id))
    head = "".join(
        f'<th scope="col" title="{escape(run.info.started)} {escape(run.info.id)} {escape(run.info.version)}">'
        f"{escape(run.info.started[5:10])}</th>"
        for run in reversed(history.runs)
    )
    total = "".join(
        f'<td class="{run.verdict}" title="{escape(run.reason)}">{SIGNS.get(run.verdict, "·")}</td>'
        for run in reversed(history.runs)
    )
    wrong = [row for row in steady if row.verdicts[-1] not in {Verdict.PASS, None}]
    always = "".join(f"<li>{escape(row.id)}: {row.verdicts[-1]} <span>{escape(row.title)}</span></li>" for row in wrong)
    legend = " · ".join(f"{sign} {verdict}" for verdict, sign in SIGNS.items())
    body = (
        f'<header><p class="brand">imsproof · history</p><h1>{escape(history.profile)}</h1>'
        f'<p class="lead">{len(history.runs)} runs, {len(moving)} purposes that changed, '
        f"{len(steady)} that did not</p></header>"
        f'<div class="scroll"><table class="families"><thead><tr><th scope="col">purpose</th>{head}'
        f'<th scope="col">changes</th></tr></thead><tbody><tr><th scope="row">the run</th>{total}<td></td></tr>'
        + "".join(map(_row, moving))
        + "</tbody></table></div>"
        + (f'<section class="attention"><h2>Never passed in these runs</h2><ul>{always}</ul></section>' * bool(wrong))
        + f"<footer><p>{legend} · did not apply: empty · the newest run first</p></footer>"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        f'content="light dark"><title>{escape(history.profile)}: history</title><style>{STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>\n"
    )


def _row(row: Row) -> str:
    cells = "".join(
        f'<td class="{verdict}" title="{verdict}">{SIGNS.get(verdict, "")}</td>' if verdict else "<td></td>"
        for verdict in reversed(row.verdicts)
    )
    return f'<tr><th scope="row" title="{escape(row.title)}">{escape(row.id)}</th>{cells}<td>{row.changes}</td></tr>'


def markdown(history: History) -> str:
    """Return the purposes that changed as a Markdown table, the newest run last."""
    days = " | ".join(run.info.started[5:16].replace("T", " ") for run in history.runs)
    lines = [f"| purpose | {days} |", "| --- |" + " --- |" * len(history.runs)]
    for row in history.rows:
        if row.changes:
            cells = " | ".join(SIGNS.get(verdict, "") if verdict else "" for verdict in row.verdicts)
            lines.append(f"| {row.id} | {cells} |")
    return "\n".join(lines)
