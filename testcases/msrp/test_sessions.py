"""Whose request it is: session ids, connections, paths (RFC 4975 clauses 7.3, 8.2 and 14.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.msrpdoors import set_trap
from imsproof.codec.msrp import MsrpUri
from imsproof.judge import expect
from imsproof.msrpsteps import joined, serves
from imsproof.purpose import purpose
from imsproof.seams import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.bench import Bench

ALTERED: dict[str, Callable[[str, str], str]] = {
    "made up": lambda _, token: token,
    "another in its last letter": lambda ident, _: ident[:-1] + ("x" if ident[-1:] != "x" else "y"),
    "cut short": lambda ident, _: ident[:-1],
    "longer": lambda ident, _: f"{ident}x",
    "empty": lambda _, __: "",
}
SESSIONS = 6
"""With fewer, two ids could have a letter in common by chance and look shorter than they are."""


@purpose("MSRP-SESS-01")
def test_an_unknown_session_is_refused(bench: Bench) -> None:
    """A request whose To-Path names no session is refused, however much its id is like one that there is."""
    peer = bench.messages()
    witness = joined(peer)
    for what, altered in ALTERED.items():
        call = peer.offer(f"INVITE, session whose id is {what}")
        connection = call.connect(f"connection, id {what}")
        good = connection.message("a message")
        wrong = good.having("To-Path", call.path_to(altered(call.path[-1].session, peer.token(10))))
        expect(connection.ask(f"SEND to a session whose id is {what}", wrong, injected=True)).refused(status=(481,))
        call.end()
    serves(witness)


@purpose("MSRP-SESS-02")
def test_session_ids_are_hard_to_guess(bench: Bench) -> None:
    """The session ids of several answers differ in as much as 80 bits need."""
    peer = bench.messages()
    calls = [peer.offer(f"INVITE {number + 1} of {SESSIONS}") for number in range(SESSIONS)]
    expect(calls[-1]).that("session-ids-hard-to-guess", exchanges=[call.exchange for call in calls])
    for call in calls:
        call.end()


@purpose("MSRP-SESS-03")
def test_a_session_has_one_connection(bench: Bench) -> None:
    """A session that has a connection is not given to a second one."""
    first = joined(bench.messages())
    second = first.call.connect("second connection for the same session")
    expect(second.send("SEND over the second connection", injected=True)).refused(status=(506,))
    serves(first)


@purpose("MSRP-SESS-04")
def test_a_request_for_a_session_of_another_connection_is_refused(bench: Bench) -> None:
    """A request must belong to a session of the connection that it comes on."""
    peer = bench.messages()
    mine = joined(peer)
    theirs = joined(peer.another(), "session of another user")
    wrong = mine.message("not mine", of=theirs.call)
    expect(mine.ask("SEND into another connection's session", wrong, injected=True)).refused(status=(481, 506))
    serves(theirs, mine)


@purpose("MSRP-SESS-05")
def test_no_message_after_bye(bench: Bench) -> None:
    """When the call has ended, its session takes no messages."""
    peer = bench.messages()
    witness = joined(peer)
    ended = joined(peer, "session that ends")
    ended.call.hang_up()
    ended.wait_end("the session's end")
    expect(ended.send("SEND after BYE", injected=True)).refused()
    serves(witness)


@purpose("MSRP-SESS-06")
def test_the_from_path_leads_nowhere(bench: Bench) -> None:
    """A report goes back over the connection, and not to whatever address the From-Path names."""
    peer = bench.messages()
    witness, connection = joined(peer), joined(peer, "session that is led astray")
    trap = set_trap(peer, "elsewhere", connection.call.where)
    elsewhere = MsrpUri("msrp", *trap.address, peer.token(10))
    wish = connection.message("report this", Success_Report="yes").having("From-Path", str(elsewhere))
    asked = connection.ask("SEND with another From-Path", wish, injected=True)
    bench.session.run(trap.wait(bench.profile.timers.silence))
    expect(asked).that("nobody-came", exchange=trap.exchange)
    serves(connection, witness)


@purpose("MSRP-SESS-07")
def test_an_endpoint_is_no_relay(bench: Bench) -> None:
    """A request whose To-Path goes on behind the endpoint is not sent on; refusing it is the form."""
    peer = bench.messages()
    witness, connection = joined(peer), joined(peer, "session that is led astray")
    trap = set_trap(peer, "elsewhere", connection.call.where)
    onward = MsrpUri("msrp", *trap.address, peer.token(10))
    wrong = connection.message("pass it on").having("To-Path", f"{connection.call.to_path} {onward}")
    asked = connection.ask("SEND with a further hop", wrong, injected=True)
    expect(asked).holds("refused", role=Role.FORM)
    bench.session.run(trap.wait(bench.profile.timers.silence))
    expect(asked).that("nobody-came", exchange=trap.exchange)
    serves(connection, witness)
