"""summary.html is one safe file that shows all that was decided, and why."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.evidence import runs, samples

from imsproof.evidence.result import Accepted, Citation, PurposeResult, Run, RunInfo
from imsproof.report import html
from imsproof.seams import Outcome, Role, Verdict

if TYPE_CHECKING:
    from pathlib import Path

VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """Collects tags, texts and attributes, and holds every end tag against its start."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


@pytest.fixture
def page() -> Page:
    """A run with one purpose of each verdict."""
    results = [
        samples.result(f"GM-AKA-{n:02}", verdict, reason=f"reason {n}", evidence=f"evidence/GM-AKA-{n:02}")
        for n, verdict in enumerate(Verdict, 1)
    ]
    failing = samples.result(
        "SBI-TOKEN-03",
        Verdict.FAIL,
        judgements=(samples.judgement(Role.CLAIM, Outcome.FAILS, "answered 201 <script>alert(1)</script>"),),
    )
    return Page(html.page(samples.run(*results, failing), lambda _: b"<svg/>"))


def test_every_tag_is_closed_and_nothing_is_loaded(page: Page) -> None:
    """No script, style sheet, frame or picture from outside; links are for people to follow."""
    assert page.open == []
    for tag, attributes in page.tags:
        assert tag not in {"script", "link", "iframe", "object", "embed", "form"}
        assert not [name for name in attributes if name.startswith("on")]
        if "src" in attributes:
            assert (attributes["src"] or "").startswith("data:image/svg+xml;base64,")
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_verdict_reasons_sentences_and_citations_are_shown(page: Page) -> None:
    """What a reader looks for, whatever the verdict."""
    for part in (
        "GM-AKA-03, SBI-TOKEN-03: fail",
        "Expected A REGISTER with a wrong RES is refused.",
        "answered 201 <script>alert(1)</script>",
        "the answer was 401 #2",
        "TS 33.203 6.1 text",
        "aka.res_ignored",
        "1 purposes do not apply",
        "the link's own tap",
        *(f"reason {n}" for n in range(1, 7)),
    ):
        assert part in page.text, part


def test_what_failed_is_open_and_what_passed_is_folded(page: Page) -> None:
    """The eye is led to what needs attention."""
    opened = {a["id"]: "open" in a for tag, a in page.tags if tag == "details" and "id" in a}
    assert opened["SBI-TOKEN-03"]
    assert not opened["GM-AKA-01"]
    assert "GM-AKA-05" not in opened  # not applicable: in the folded table


def test_evidence_is_linked_relative_to_the_run_folder(page: Page) -> None:
    """No absolute path, each file of the purpose."""
    targets = [a["href"] or "" for tag, a in page.tags if tag == "a"]
    files = [target for target in targets if target.startswith("evidence/")]
    assert "evidence/GM-AKA-01/capture.pcapng" in files
    assert all(re.match(r"(evidence/|#|https://www\.(3gpp|rfc-editor)\.org/)", target) for target in targets)


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_hostile_text_stays_text(title: str, reason: str, document: str) -> None:
    """Tags stay balanced and nothing is added, whatever a lab or a profile says."""
    plain = Page(
        html.page(
            samples.run(PurposeResult("A-B-01", "A-B", "t", Verdict.FAIL, "r", "", (Citation("d", "c", "text"),)))
        )
    )
    result = PurposeResult("A-B-01", "A-B", title, Verdict.FAIL, reason, "", (Citation(document, "c", "text"),))
    found = Page(html.page(samples.run(result)))
    assert found.open == []
    assert [tag for tag, _ in found.tags if tag != "a"] == [tag for tag, _ in plain.tags if tag != "a"]


def test_an_unfinished_run_says_what_is_missing() -> None:
    """Planned and not decided."""
    info = RunInfo("a1b2c3", "reference", "2025-10-09T08:53:20.000000Z", 7, "0.1.0")
    text = Page(html.page(Run(info, ("A-B-01", "A-B-02"), (samples.result("A-B-01"),)))).text
    assert "not finished" in text
    assert "Planned and not decided (1): A-B-02" in text
    assert "not decided yet: A-B-02" in text


def test_who_accepts_a_fail_and_until_when_is_shown_beside_the_verdict() -> None:
    run = samples.run(samples.result("SBI-TLS-03", Verdict.FAIL))
    known = Accepted("SBI-TLS-03", "an <old> front", "Jane", "2099-01-01")
    told = html.page(replace(run, info=replace(run.info, accepted=(known,))))
    assert told.count("accepted until 2099-01-01 by Jane") == 2
    assert "an &lt;old&gt; front" in told


def test_an_empty_run_has_a_page() -> None:
    """Nothing applied, and the page says that nothing was shown."""
    assert "nothing was shown" in Page(html.page(samples.run())).text


def test_the_file_shows_the_ladder_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ladder beyond the limit is linked only."""
    folder = runs.make(tmp_path)
    path = html.write(folder.path, folder.run)
    assert "data:image/svg+xml;base64," in path.read_text()
    monkeypatch.setattr(html, "LADDER_LIMIT", 10)
    assert "data:image/svg+xml;base64," not in html.write(folder.path, folder.run).read_text()
