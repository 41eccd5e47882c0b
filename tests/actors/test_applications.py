"""Guesses at what a subscriber must not fetch."""

from __future__ import annotations

from dataclasses import replace

from imsproof.actors import applications
from imsproof.link.subject import HttpAnswer
from imsproof.seams import Record

JSON = b'{"applications": [{"id": "board", "url": "/packages/board.zip"}, {"url": "/packages/menu.zip"}]}'
HTML = b'<li><a href="board/index.html">Board</a></li>'


def test_links_are_found_in_json_and_html() -> None:
    assert applications.links(JSON) == ["/packages/board.zip", "/packages/menu.zip"]
    assert applications.link_to(HTML, "board") == "board/index.html"
    assert applications.link_to(HTML, "menu") == ""


def test_another_application_is_sought_where_the_own_one_lies() -> None:
    assert applications.others_paths(JSON, "board", "games") == ["/packages/games.zip"]
    assert applications.others_paths(HTML, "board", "games") == ["/games/index.html"]
    assert applications.others_paths(b"nothing", "board", "games") == ["/games"]


def test_guesses_name_the_other_subscriber_and_hold_no_line_break() -> None:
    impu = "sip:+49301@ims.example"
    paths = applications.climbing_paths(impu) + applications.absolute_targets("host", impu)
    assert all("sip%3A%2B49301%40ims.example" in path for path in paths)
    assert all("\r" not in text for pair in applications.identity_headers(impu) for text in pair)


def test_an_answer_that_moves_names_its_path() -> None:
    answer = HttpAnswer(record=Record("x"), exchange="1:x", status=301, headers=(("location", "http://h/list?x"),))
    assert applications.moved_to(answer) == "/list"
    assert applications.moved_to(replace(answer, headers=(("location", "list"),))) == "/list"
    assert applications.moved_to(replace(answer, status=200)) == ""
    assert applications.moved_to(replace(answer, headers=())) == ""


def test_requests_without_end_do_not_end() -> None:
    for name, (text, request) in applications.ENDLESS_REQUESTS.items():
        assert text
        assert len(request) > 40_000
        assert request.endswith(b"\r\n\r\n") is (name == "header-flood")
    assert applications.overlapping_ranges(3) == ("Range", "bytes=0-,0-,0-")
