"""The P-CSCF: who may send what, whose identity is asserted, and what happens to bad input."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from imsproof.codec import sip
from imsproof.lab.pki import make_pki

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Drive = Callable[..., None]
    Lab = Any

STRANGER = "sip:+49301000099@ims.example"


def test_only_registered_ues_may_call(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue, other = await lab.ue(1), (await lab.registered(2))[0]
        assert (await ue.ask(ue.invite(other.impu))).status == 403
        assert (await ue.ask(ue.write("MESSAGE", other.impu))).status == 403
        stranger = await lab.ue(2)  # the same subscriber on another socket
        assert (await stranger.ask(stranger.invite(ue.impu))).status == 403
        assert other.requests.empty()

    drive(work)


def test_anybody_may_see_that_it_lives(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        assert (await ue.ask(ue.write("OPTIONS", f"sip:{lab.pcscf[0]}:5060"))).status == 200

    drive(work)


@pytest.mark.parametrize(
    ("preferred", "asserted"),
    [
        ("", "<sip:+49301000001@ims.example>"),
        ("<tel:+49301000001>", "<tel:+49301000001>"),
        (f"<{STRANGER}>", "<sip:+49301000001@ims.example>"),
        ("<sip:+49301000002@ims.example>", "<sip:+49301000001@ims.example>"),
        ("not an address", "<sip:+49301000001@ims.example>"),
    ],
)
def test_the_far_side_sees_a_registered_identity(drive: Drive, preferred: str, asserted: str) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        headers = [("P-Asserted-Identity", f"<{STRANGER}>"), ("History-Info", f"<{STRANGER}>")]
        if preferred:
            headers.append(("P-Preferred-Identity", preferred))
        caller.send(caller.invite(called.impu, headers=headers, From=f"<{STRANGER}>;tag=1"))
        arrived = await called.request()
        assert arrived.get_all("P-Asserted-Identity") == [asserted]
        assert arrived.get("P-Preferred-Identity") is None
        assert arrived.get("History-Info") is None

    drive(work)


def test_planted_identity_faults_show_at_the_far_side(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        lab.plant(strip_asserted_identity=False)
        claimed = [("P-Asserted-Identity", "<sip:+49301000005@ims.example>")]
        caller.send(caller.invite(called.impu, headers=claimed))
        assert (await called.request()).get("P-Asserted-Identity") == "<sip:+49301000005@ims.example>"
        lab.plant(strip_asserted_identity=True, check_preferred_identity=False)
        claimed = [("P-Preferred-Identity", "<sip:+49301000005@ims.example>")]
        caller.send(caller.invite(called.impu, headers=claimed))
        assert (await called.request()).get("P-Asserted-Identity") == "<sip:+49301000005@ims.example>"

    drive(work)


def test_privacy_id_keeps_the_asserted_identity_from_the_far_side(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        caller.send(caller.invite(called.impu, headers=[("Privacy", "id")]))
        assert (await called.request()).get("P-Asserted-Identity") is None

    drive(work)


def test_a_route_past_the_service_route_is_refused(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        caller.service_route = [f"<sip:{lab.prefix}.30:5060;lr>"]
        assert (await caller.ask(caller.invite(called.impu))).status == 400
        caller.service_route = []
        caller.send(caller.invite(called.impu))
        assert (await called.request()).method == "INVITE"

    drive(work)


def test_a_call_goes_through_the_whole_network_and_back(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        invite = caller.invite("tel:+49301000002")
        caller.send(invite)
        arrived = await called.request()
        assert arrived.uri == called.contact.strip("<>")
        hosts = [
            sip.parse_uri(sip.parse_name_addr(value).uri).host.rpartition(".")[2]
            for value in arrived.values("Record-Route")
        ]
        assert hosts == ["10", "20", "30", "20", "10"]
        called.send(sip.response(arrived, 180, to_tag="b", record_route=True))
        called.ok(arrived)
        ringing, answer = await caller.answer(), await caller.answer()
        assert (ringing.status, answer.status) == (180, 200)
        caller.send(caller.in_dialog("ACK", invite, answer))
        assert (await called.request()).method == "ACK"
        caller.send(caller.in_dialog("INFO", invite, answer))
        info = await called.request()
        called.send(sip.response(info, 200))
        assert (await caller.answer()).method == "INFO"
        called.send(called.back("BYE", arrived, "b"))
        bye = await caller.request()
        caller.send(sip.response(bye, 200))
        assert (await called.answer()).status == 200
        assert (await caller.ask(caller.in_dialog("INFO", invite, answer))).status == 481

    drive(work)


def test_a_third_party_cannot_end_a_call(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called, third = await lab.registered(1, 2, 3)
        invite = caller.invite(called.impu)
        caller.send(invite)
        called.ok(await called.request())
        answer = await caller.answer()
        bye = caller.in_dialog("BYE", invite, answer)
        assert (await third.ask(bye)).status == 481
        assert called.requests.empty()
        lab.plant(check_dialog_party=False)
        third.send(caller.in_dialog("BYE", invite, answer))
        assert (await called.request()).method == "BYE"

    drive(work)


def test_cancel_follows_its_invite(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called = await lab.registered(1, 2)
        invite = caller.invite(called.impu)
        caller.send(invite)
        arrived = await called.request()
        cancel = sip.request(
            "CANCEL",
            invite.uri,
            [(h.name, h.value) for h in invite.headers if h.key in {"via", "from", "to", "call-id"}],
        )
        cancel.add("CSeq", f"{(invite.get('CSeq') or '').split()[0]} CANCEL")
        assert (await caller.ask(cancel)).status == 200
        received = await called.request()
        assert received.method == "CANCEL"
        assert received.values("Via") == arrived.values("Via")[:1]
        called.send(sip.response(received, 200))
        called.send(sip.response(arrived, 487, to_tag="b"))
        assert (await called.request()).method == "ACK"
        assert (await caller.answer()).status == 487
        stranger = await lab.ue(3)
        assert (await stranger.ask(cancel)).status == 481

    drive(work)


def test_a_retransmitted_request_is_answered_from_memory(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        request = ue.register_request()
        assert (await ue.ask(request)).to_bytes() == (await ue.ask(request)).to_bytes()

    drive(work)


def test_an_answer_from_somebody_else_is_dropped(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        caller, called, third = await lab.registered(1, 2, 3)
        caller.send(caller.invite(called.impu))
        arrived = await called.request()
        third.ok(arrived, tag="evil")
        called.ok(arrived, tag="good")
        answer = await caller.answer()
        assert "tag=good" in (answer.get("To") or "")
        assert await caller.silent()

    drive(work)


def test_nobody_and_nobody_reachable(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        (caller,) = await lab.registered(1)
        assert (await caller.ask(caller.invite("sip:+49301000002@ims.example"))).status == 480
        assert (await caller.ask(caller.invite("sip:nobody@ims.example"))).status == 404
        assert (await caller.ask(caller.invite("sip:somebody@elsewhere.example"))).status == 404

    drive(work)


MALFORMED: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "content length beyond the datagram": (
        lambda data: data.replace(b"Content-Length: 0", b"Content-Length: 9999"),
        400,
    ),
    "negative content length": (lambda data: data.replace(b"Content-Length: 0", b"Content-Length: -1"), 400),
    "huge sequence number": (lambda data: data.replace(b" REGISTER\r\n", b"36893488147419103232 REGISTER\r\n"), 400),
    "method mismatch": (lambda data: data.replace(b" REGISTER\r\n", b" INVITE\r\n"), 400),
    "another version": (lambda data: data.replace(b"SIP/2.0\r\n", b"SIP/7.0\r\n", 1), 505),
    "double space": (lambda data: data.replace(b"REGISTER sip", b"REGISTER  sip", 1), 400),
    "brackets around the uri": (lambda data: data.replace(b"sip:ims.example SIP", b"<sip:ims.example> SIP", 1), 400),
    "unknown scheme": (lambda data: data.replace(b"sip:ims.example SIP", b"nobodyKnows:x SIP", 1), 416),
    "unbalanced quote": (lambda data: data.replace(b"To: <", b'To: "Mr. <'), 400),
    "empty parameters": (lambda data: data.replace(b";rport", b";;,;,,"), 400),
    "no hops left": (lambda data: data.replace(b"Max-Forwards: 70", b"Max-Forwards: 0"), 483),
    "too many hops": (lambda data: data.replace(b"Max-Forwards: 70", b"Max-Forwards: 300"), 400),
    "no call-id": (lambda data: data.replace(b"Call-ID:", b"X-ID:"), 400),
    "two from": (lambda data: data.replace(b"From:", b"From: <sip:x@y>;tag=2\r\nFrom:"), 400),
    "unknown extension": (lambda data: data.replace(b"Supported: path", b"Proxy-Require: noProxiesSupportThis"), 420),
    "header without colon": (lambda data: data.replace(b"Supported: path", b"Supported path"), 400),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_requests_are_refused_and_service_goes_on(drive: Drive, case: str) -> None:
    spoil, status = MALFORMED[case]

    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        good = ue.register_request().to_bytes()
        bad = spoil(good)
        assert bad != good
        ue.send(bad)
        assert (await ue.answer()).status == status
        await ue.register()

    drive(work)


@pytest.mark.parametrize(
    "data",
    [b"\x00", b"\r\n\r\n", b"garbage", b"INVITE", bytes(range(256)) * 100, b"SIP/2.0 200 OK\r\n\r\n", b"\xff" * 60000],
)
def test_garbage_is_dropped_and_service_goes_on(drive: Drive, data: bytes) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        ue.send(data)
        await ue.register()
        assert ue.responses.empty()

    drive(work)


def test_planted_faults_of_robustness(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)

        def bad() -> bytes:
            return bytes(ue.register_request().to_bytes().replace(b"Content-Length: 0", b"Content-Length: -1"))

        lab.plant(on_malformed="accept")
        assert (await ue.ask(bad())).status == 200
        for reaction in ("stop", "hang"):
            lab.plant(on_malformed=reaction)
            ue.send(bad())
            await asyncio.sleep(0)
            assert await ue.silent()
            ue.send(ue.register_request())
            assert await ue.silent()
            lab.plant(on_malformed="refuse")
            await lab.nodes.reset()
            await ue.register()

    drive(work)


def test_a_flood_from_one_source_does_not_stop_another(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        flooder, ue = await lab.ue(3), await lab.ue(1)
        for _ in range(300):
            flooder.send(flooder.register_request())
        await ue.register()
        while not await flooder.silent():
            pass
        assert flooder.responses.qsize() == 0

    drive(work)


def test_the_flood_fault_starves_a_legitimate_ue(drive: Drive) -> None:
    async def work(lab: Lab) -> None:
        flooder, ue = await lab.ue(3), await lab.ue(1)
        lab.plant(register_rate=0, hss_seconds=0.05)
        for _ in range(100):
            flooder.send(flooder.register_request())
        assert (await flooder.answer()).status == 401
        ue.send(ue.register_request())
        assert await ue.silent()
        await lab.nodes.reset()
        lab.plant(register_rate=50, hss_seconds=0.0)
        while not await ue.silent():
            pass
        await ue.register()

    drive(work)


@pytest.mark.parametrize("secure", [False, True])
def test_requests_over_a_connection(drive: Drive, tmp_path: Path, secure: bool) -> None:
    pki = make_pki(tmp_path)

    async def work(lab: Lab) -> None:
        ue = await lab.ue(1)
        context = None
        if secure:
            context = ssl.create_default_context(cafile=str(pki.ca))
        name = "pcscf.ims.example" if secure else None
        reader, writer = await asyncio.open_connection(
            lab.pcscf[0], 5061 if secure else 5060, ssl=context, server_hostname=name
        )
        framer = sip.StreamFramer()
        queue: list[bytes] = []

        async def ask(message: sip.Message) -> sip.Message:
            data = message.to_bytes()
            writer.write(data[:50])
            await writer.drain()
            writer.write(data[50:])
            while not queue:
                queue.extend(framer.feed(await reader.read(65536)))
            return sip.Message.parse(queue.pop(0))

        writer.write(b"\r\n\r\n")
        challenge = await ask(ue.register_request())
        assert challenge.status == 401
        assert (await ask(ue.register_request(ue.credentials(challenge)))).status == 200
        other = (await lab.registered(2))[0]
        other.send(other.invite(ue.impu))
        while not queue:
            queue.extend(framer.feed(await reader.read(65536)))
        assert sip.Message.parse(queue.pop(0)).method == "INVITE"
        writer.write(b"INVITE sip:x SIP/2.0\r\nContent-Length: 99999999\r\n\r\n")
        assert await reader.read() == b""
        writer.close()

    drive(work, pki=tmp_path)
