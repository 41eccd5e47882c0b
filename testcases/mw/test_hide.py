"""Topology hiding at border nodes (TS 33.203 6.4, TS 24.229 5.10.4, TS 33.226 4.2.2.4.1, 4.2.2.5.1 and 4.2.2.5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.answering import Answering
from imsproof.actors.farleg import FarLeg
from imsproof.codec import sip
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose, purposes
from imsproof.seams import InconclusiveError, Role

if TYPE_CHECKING:
    from imsproof.actors.call import Call
    from imsproof.actors.farnetwork import FarNetwork
    from imsproof.actors.ue import Ue
    from imsproof.bench import Bench

TOPOLOGY = ["Via", "Route", "Record-Route", "Service-Route", "Path"]


class Abroad:
    """A subscriber of the lab who calls somebody in the far network that the tester plays."""

    def __init__(self, bench: Bench, node: str = "", hiding: str = "") -> None:
        self.far: FarNetwork = bench.far_network(node, hiding)
        self.caller: Ue = bench.ue("ue-a")
        media = FarLeg(bench.session, self.far.local[0], actor="far")
        self._offer = media.sdp().to_bytes()
        self.taken = Answering(self.far, lambda _offer: media.sdp()).taken

    def call(self, label: str) -> Call:
        """Call, as the control, and return the call as the far network has it."""
        call = self.caller.invite(self.far.uri, self._offer, label=label)
        control(call).accepted()
        there = self.far.calls.get(call.dialog.call_id) if call.dialog else None
        there = there or next(iter(self.far.calls.values()), None)
        if there is None:
            raise InconclusiveError(f"no call reaches the far network: {call.failed or f'answered {call.status}'}")
        return there

    def end(self, there: Call, label: str) -> None:
        """Hang up from the far network."""
        alive(self.far.back(there, "BYE", label))


@purposes(
    {
        "MW-HIDE-01": ("i-cscf", "encryption"),
        "MW-HIDE-02": ("ibcf", "encryption"),
        "MW-HIDE-03": ("ibcf", "replacement"),
    }
)
def test_inner_addresses_are_hidden_and_restored(bench: Bench, case: tuple[str, str]) -> None:
    """What goes to the far network names no inner node; what comes back along the hidden route arrives."""
    abroad = Abroad(bench, *case)
    hidden = list(bench.mw.hidden)
    first = abroad.call("call to the far network")
    answered = abroad.far.back(first, "OPTIONS", "OPTIONS of the far network, along the hidden route")
    expect(answered).accepted()
    abroad.end(first, "BYE of the far network")
    second = abroad.call("another call to the far network")
    abroad.end(second, "BYE of the far network, again")
    expect(first).that("inner-hidden", actor="far", names=TOPOLOGY, hidden=hidden)
    form = "hidden-as-constants" if case[1] == "replacement" else "hidden-afresh"
    expect(first).that(form, role=Role.FORM, exchange=first.exchange, other=second.exchange)


@purpose("MW-HIDE-04")
def test_a_forged_hidden_entry_leads_nowhere(bench: Bench) -> None:
    """A request whose hidden route was tampered with is refused, and reaches nobody."""
    abroad = Abroad(bench)
    there = abroad.call("call to the far network")
    right = there.dialog.routes if there.dialog else ()
    control(abroad.far.back(there, "OPTIONS", "OPTIONS along the hidden route")).accepted()
    wrong = (*right[:1], *(spoilt(one) for one in right[1:]))
    if wrong == right:
        raise InconclusiveError("the route that the far network is given has no hidden entry to tamper with")
    forged = abroad.far.back(there, "OPTIONS", "OPTIONS along a forged route", wrong)
    expect(forged).refused()
    expect(forged).holds("not-reached", actor="ue-a", methods=["OPTIONS"])
    if there.dialog is not None:
        there.dialog.routes = right
    abroad.end(there, "BYE along the hidden route")


def spoilt(route: str) -> str:
    """A route entry whose token is another one of the same form: its user part, or the longest of its parameters."""
    uri = sip.parse_uri(str(sip.parse_name_addr(route).uri))
    if uri.user:
        uri.user = changed(uri.user)
    else:
        name = max(uri.params, key=lambda one: len(uri.params[one] or ""), default="")
        value = uri.params.get(name)
        if value:
            uri.params[name] = changed(value)
    return f"<{uri}>"


def changed(token: str) -> str:
    """A text that differs in its middle."""
    place = len(token) // 2
    return token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]


@purpose("MW-HIDE-05")
def test_no_part_of_a_message_tells_an_inner_address(bench: Bench) -> None:
    """In a whole call no header field and no body that goes to the far network tells an inner address."""
    abroad = Abroad(bench)
    there = abroad.call("call to the far network")
    abroad.end(there, "BYE of the far network")
    expect(there).that("inner-never-told", actor="far", hidden=list(bench.mw.hidden))


@purpose("MW-HIDE-06")
def test_the_service_route_of_a_roamer_is_hidden(bench: Bench) -> None:
    """A subscriber who registers from a far network is given a hidden Service-Route, and calls along it."""
    subscriber = bench.subscribers(1)[0]
    far = bench.far_network(subscriber=subscriber)
    host, port = far.local
    done = far.register(headers=[("Path", f"<sip:{host}:{port};lr>")], label="REGISTER by way of the far network")
    control(done).accepted()
    if not done.ok:
        raise InconclusiveError(f"nobody registers by way of the far network: {done.failed or done.status}")
    expect(done).that("inner-hidden", actor="far", names=["Service-Route"], hidden=list(bench.mw.hidden))
    asked = far.request("OPTIONS", headers=[("P-Asserted-Identity", f"<{far.impu}>")], label="OPTIONS along it")
    expect(asked).accepted()
    alive(asked)
