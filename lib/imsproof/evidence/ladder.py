"""The message ladder of a purpose as one SVG without outside resources: who said what to whom, and what was judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imsproof.evidence.rows import BESIDE, GAP, IN, TIMES, Row, rows
from imsproof.evidence.text import escape, shorten
from imsproof.seams import Outcome, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imsproof.evidence.result import PurposeResult
    from imsproof.seams import Event, Judgement

LEFT, RIGHT, TOP = 118, 120, 108
ABOVE, BELOW, BESIDE_HALF, CAPTION = 22, 16, 11, 26
CHAR = 6.9
"""Pixels that one character of a label takes, about."""
PORTS, ADDRESSES = 3, 6
"""Lanes of the lab: more than so many ports are joined by address, more than so many addresses into one lane."""

STYLE = """
svg{--bg:#fff;--ink:#1c2430;--dim:#667085;--line:#c9d0da;--good:#177245;--bad:#b42318;--inj:#b54708;--injbg:#fff4e0;
--lane:#f3f5f8;--plain:#2456a6;font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
@media (prefers-color-scheme:dark){svg{--bg:#14181f;--ink:#e4e8ee;--dim:#98a2b3;--line:#3a4453;--good:#5bc48b;
--bad:#ff8a7a;--inj:#ffb454;--injbg:#3a2a10;--lane:#1f2630;--plain:#8ab4ff}}
text{fill:var(--ink);font-size:12.5px}.dim{fill:var(--dim);font-size:10.5px}.title{font-size:16px;font-weight:600}
.lane{fill:var(--lane);stroke:var(--line)}.life{stroke:var(--line)}.bg{fill:var(--bg)}.head{font-weight:600}
.arrow{stroke-width:1.5;fill:none}.plain{stroke:var(--plain);color:var(--plain)}.good{stroke:var(--good);color:var(--good)}
.bad{stroke:var(--bad);color:var(--bad)}.quiet{stroke:var(--dim);color:var(--dim);stroke-dasharray:3 3}
.injected{stroke:var(--inj);color:var(--inj);stroke-width:2.5}.t-injected{fill:var(--inj);font-weight:600}
.t-bad{fill:var(--bad)}.t-good{fill:var(--good)}.t-quiet{fill:var(--dim)}.rule{stroke:var(--lane)}.injbg{fill:var(--injbg)}.seq{font-size:10.5px}
.judged{font-weight:700}.num{font-variant-numeric:tabular-nums}
"""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where the lanes stand: x of each, by its name; ``of`` maps a row's endpoint to its lane; ``box``: head width."""

    actors: dict[str, int]
    endpoints: dict[str, int]
    of: dict[str, str]
    box: int
    width: int


def svg(result: PurposeResult, events: Sequence[Event], judgements: Sequence[Judgement]) -> str:
    """Return the ladder of a purpose: at most about 120 rows, the injected messages marked, the outcomes below."""
    judged = {number for judgement in judgements for number in judgement.events}
    found = rows(events, judged)
    plan = _plan(found)
    start = events[0].mono_ns if events else 0
    parts: list[str] = []
    y = TOP + 28
    told: set[str] = set()
    for row in found:
        if row.exchange and row.exchange not in told:
            told.add(row.exchange)
            y += CAPTION
            parts.append(_caption(row.exchange, y, plan.width))
        arrow = row.shape not in {BESIDE, GAP}
        y += ABOVE if arrow else BESIDE_HALF
        parts.append(_draw(row, y, plan, (row.at_ns - start) / 1e6, bool(judged.intersection(row.events))))
        y += (BELOW if row.detail else 4) if arrow else BESIDE_HALF
    bottom = y + 22
    parts.extend(_outcomes(judgements, bottom + 34, plan.width))
    height = bottom + 34 + 24 * max(len(judgements), 1) + 16
    lanes = _lanes(plan, bottom)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {plan.width} {height}" width="{plan.width}" '
        f'height="{height}" role="img"><title>{escape(result.id)}: message ladder</title><style>{STYLE}</style><defs>'
        '<marker id="tip" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" '
        'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="context-stroke"/></marker></defs>'
        f'<rect class="bg" width="100%" height="100%"/>{_heading(result, plan.width)}{lanes}{"".join(parts)}</svg>\n'
    )


def _plan(found: Sequence[Row]) -> _Plan:
    actors = list(dict.fromkeys(row.actor for row in found if row.actor)) or ["tester"]
    ends = list(dict.fromkeys(row.endpoint for row in found if row.endpoint))
    of = {end: end for end in ends}
    if len(ends) > PORTS:
        of = {end: end.partition(" :")[0] for end in ends}
    if len(set(of.values())) > ADDRESSES:
        of = dict.fromkeys(ends, f"lab, {len(set(of.values()))} addresses")
    names = list(dict.fromkeys(of.values()))
    gaps = max(len(actors) + len(names) - 1, 1)
    step = max(150, min(480, 660 // gaps))
    at = {name: LEFT + 60 + step * n for n, name in enumerate(actors)}
    theirs = {name: LEFT + 60 + step * (len(actors) + n) for n, name in enumerate(names)}
    return _Plan(at, theirs, of, min(168, step - 12), LEFT + 60 + step * gaps + RIGHT)


def _heading(result: PurposeResult, width: int) -> str:
    tone = {"pass": "good", "fail": "bad", "error": "bad"}.get(result.verdict.value, "injected")
    room = int((width - 40) / CHAR)
    title, reason = escape(shorten(result.title, room)), escape(shorten(result.reason, room))
    return (
        f'<text class="title" x="20" y="30">{escape(result.id)} '
        f'<tspan class="t-{tone}">{escape(result.verdict)}</tspan></text><text x="20" y="50">{title}</text>'
        f'<text class="dim" x="20" y="67">{reason}<title>{escape(result.reason)}</title></text>'
    )


def _lanes(plan: _Plan, bottom: int) -> str:
    parts = []
    for names, what in ((plan.actors, "tester"), (plan.endpoints, "lab")):
        for name, x in names.items():
            label = escape(shorten(name, plan.box // 7))
            parts.append(
                f'<line class="life" x1="{x}" y1="{TOP + 14}" x2="{x}" y2="{bottom}"/>'
                f'<rect class="lane" x="{x - plan.box // 2}" y="{TOP - 26}" width="{plan.box}" height="40" rx="5"/>'
                f'<text class="head" text-anchor="middle" x="{x}" y="{TOP - 9}">{label}</text>'
                f'<text class="dim" text-anchor="middle" x="{x}" y="{TOP + 6}">{what}</text>'
            )
    return "".join(parts)


def _draw(row: Row, y: int, plan: _Plan, milliseconds: float, judged: bool) -> str:
    if row.shape == GAP:
        return f'<text class="t-quiet" x="{LEFT - 10}" y="{y}">{escape(row.label)}</text>'
    mark = " judged" if judged else ""
    numbers = f"#{row.events[0]}" + (f"-{row.events[-1]}" if row.more else "")
    left = (
        f'<text class="dim num" text-anchor="end" x="{LEFT - 48}" y="{y + 4}">{milliseconds:,.1f} ms</text>'
        f'<text class="seq num dim{mark}" x="{LEFT - 42}" y="{y + 4}">{numbers}</text>'
    )
    x1 = plan.actors.get(row.actor, LEFT + 60)
    times = f" {TIMES}{row.more + 1}" if row.more else ""
    full = escape(row.label + times + (f" ({row.detail})" if row.detail else ""))
    if row.shape == BESIDE:
        room = int((plan.width - x1 - 40) / CHAR)
        tone = "" if row.tone == "plain" else f' class="t-{row.tone}"'
        label = escape(shorten(row.label + times + (f" · {row.detail}" if row.detail else ""), room))
        return (
            f'{left}<circle class="arrow {row.tone}" cx="{x1}" cy="{y}" r="3"/>'
            f'<text{tone} x="{x1 + 10}" y="{y + 4}">{label}<title>{full}</title></text>'
        )
    x2 = plan.endpoints[plan.of[row.endpoint]]
    room = int((x2 - x1 - 24) / CHAR)
    port = row.endpoint.removeprefix(plan.of[row.endpoint]).strip()
    begin, end = (x2, x1) if row.shape == IN else (x1, x2)
    middle = (x1 + x2) // 2
    label = escape(shorten(row.label, room - len(times)) + times)
    detail = escape(shorten(f"{port} {row.detail}".strip() if row.detail else "", int(room * 1.2)))
    tone = "" if row.tone == "plain" else f' class="t-{row.tone}"'
    badge = '<tspan class="dim"> injected</tspan>' if row.tone == "injected" else ""
    back = f'<rect class="injbg" x="{x1 + 4}" y="{y - 19}" width="{x2 - x1 - 8}" height="33" rx="4"/>' if badge else ""
    return (
        f'{left}{back}<path class="arrow {row.tone}" marker-end="url(#tip)" d="M{begin} {y}L{end} {y}"/>'
        f'<text{tone} text-anchor="middle" x="{middle}" y="{y - 6}">{label}{badge}<title>{full}</title></text>'
        f'<text class="dim" text-anchor="middle" x="{middle}" y="{y + 12}">{detail}</text>'
    )


def _caption(exchange: str, y: int, width: int) -> str:
    """The name of a conversation where it begins, as the judgements call it."""
    text = escape(shorten(exchange, int((width - 40) / CHAR)))
    return (
        f'<line class="rule" x1="20" y1="{y - 18}" x2="{width - 20}" y2="{y - 18}"/>'
        f'<text class="dim" x="20" y="{y - 4}">{text}</text>'
    )


_SIGNS = {Outcome.HOLDS: ("✓", "t-good"), Outcome.FAILS: ("✗", "t-bad"), Outcome.UNKNOWN: ("?", "t-injected")}
_ROLES = {Role.CONTROL: "control", Role.CLAIM: "claim", Role.FORM: "form", Role.ALIVE: "alive"}


def _outcomes(judgements: Sequence[Judgement], y: int, width: int) -> list[str]:
    if not judgements:
        return [f'<text class="dim" x="20" y="{y}">Nothing was judged.</text>']
    parts = []
    for n, judgement in enumerate(judgements):
        sign, tone = _SIGNS[judgement.outcome]
        named = ", ".join(f"#{number}" for number in judgement.events[:8]) + ("…" if len(judgement.events) > 8 else "")
        sentence = shorten(judgement.sentence, int((width - 150) / CHAR) - len(named))
        parts.append(
            f'<text x="20" y="{y + 24 * n}"><tspan class="{tone} head">{sign}</tspan>'
            f'<tspan class="dim" x="40">{_ROLES[judgement.role]}</tspan><tspan x="86">{escape(sentence)}</tspan>'
            f'<tspan class="dim" dx="6">{named}</tspan><title>{escape(judgement.sentence)}</title></text>'
        )
    return parts
