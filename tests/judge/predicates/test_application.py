"""What the bootstrap channel gives, and what it must keep."""

from __future__ import annotations

import hashlib
import json

from tests.judge.events import Story

from imsproof.judge.predicates import application as app
from imsproof.seams import Kind, Outcome

H, F, U = Outcome.HOLDS, Outcome.FAILS, Outcome.UNKNOWN
X = "1:x"


def answered(status: int = 200, body: bytes = b"", exchange: str = X, story: Story | None = None) -> Story:
    return (story or Story()).add(Kind.RECEIVED, exchange, "http", data=body, status=status, headers=[])


def test_a_body_names_what_it_should_and_not_what_it_should_not() -> None:
    story = answered(body=b"<a>Whiteboard</a>").events
    assert app.body_holds(story, exchange=X, words=["whiteboard"]).outcome is H
    assert app.body_holds(story, exchange=X, words=["whiteboard", "games"]).outcome is F
    assert app.body_holds([], exchange=X, words=["games"]).outcome is F
    assert app.body_lacks(story, exchange=X, words=["games"]).outcome is H
    assert app.body_lacks(story, exchange=X, words=["WHITEBOARD"]).outcome is F


def test_an_error_that_names_something_gives_nothing_away() -> None:
    refused = answered(404, b"no games here").events
    assert app.body_lacks(refused, exchange=X, words=["games"]).outcome is H
    assert app.body_lacks([], exchange=X, words=["games"]).outcome is H


def test_a_guess_gets_an_error_or_the_own_list() -> None:
    def judged(status: int, body: bytes) -> Outcome:
        story = answered(body=b"list", exchange="1:list")
        answered(status, body, "2:guess", story)
        return app.nothing_else_given(story.events, exchange="2:guess", listed="1:list").outcome

    assert judged(404, b"not found") is H
    assert judged(200, b"list") is H
    assert judged(204, b"") is H
    assert judged(200, b"package") is F
    assert app.nothing_else_given([], exchange="2:guess", listed="1:list").outcome is H


def test_answers_are_counted_over_all_messages() -> None:
    story = Story().add(Kind.SENT, transport="sctp", ppid=51)
    for piece in (b"HTTP/1.1 200 OK\r\n\r\nHTT", b"P/1.1 404 Not Found\r\n\r\n"):
        story.add(Kind.RECEIVED, transport="sctp", data=piece, ppid=51)
    assert app.answers_at_most(story.events, exchange=X, count=1).outcome is F
    assert app.answers_at_most(story.events, exchange=X, count=2).outcome is H
    assert app.answers_at_most([], exchange=X, count=2).outcome is U


def test_a_package_has_the_hash_of_the_list() -> None:
    def judged(listing: bytes, package: bytes) -> Outcome:
        story = answered(body=listing, exchange="1:list")
        answered(200, package, "2:get", story)
        return app.package_intact(story.events, exchange="2:get", listed="1:list", path="/p.zip").outcome

    digest = hashlib.sha256(b"zip").hexdigest()
    listing = json.dumps({"applications": [{"url": "/p.zip", "sha256": digest}]}).encode()
    assert judged(listing, b"zip") is H
    assert judged(listing, b"zip!") is F
    for other in (b"<html>", b"[]", b'{"applications": 1}', b'{"applications": [1, {"url": "/p.zip"}]}'):
        assert judged(other, b"zip") is U
    assert app.package_intact([], exchange="2:get", listed="1:list", path="/p.zip").outcome is U


def test_product_and_version_in_headers() -> None:
    def judged(*headers: list[str]) -> Outcome:
        story = Story().add(Kind.RECEIVED, transport="http", status=200, headers=list(headers)).events
        return app.no_product_version(story, exchange=X).outcome

    assert judged(["content-type", "text/html; version=1.0"]) is H
    assert judged(["server", "mf"]) is H
    assert judged(["Server", "nginx/1.22.1"]) is F
    assert app.no_product_version([], exchange=X).outcome is U


def test_the_protocol_in_via_is_no_products_version() -> None:
    def told(value: str) -> Outcome:
        story = Story().add(Kind.RECEIVED, status=200, headers=[["via", value]])
        return app.no_product_version(story.events, exchange=X).outcome

    assert told("1.1 mf") is told("HTTP/1.1 mf, 2 edge") is Outcome.HOLDS
    assert told("1.1 mf (squid/5.7)") is Outcome.FAILS
    silence = Story().add(Kind.SENT).add(Kind.TIMEOUT)
    assert app.no_product_version(silence.events, exchange=X).outcome is Outcome.HOLDS


def test_an_answer_is_bounded_by_the_plain_one() -> None:
    def outcome(octets: int) -> Outcome:
        story = answered(body=b"l" * 2000, exchange="1:list")
        answered(body=b"x" * octets, exchange="2:many", story=story)
        return app.answer_bounded(story.events, exchange="2:many", listed="1:list", times=10).outcome

    assert outcome(20_000) is Outcome.HOLDS
    assert outcome(20_001) is Outcome.FAILS
    nothing = answered(exchange="1:list").events
    assert app.answer_bounded(nothing, exchange="2:many", listed="1:list", times=10).outcome is Outcome.HOLDS
