"""A small HSS: Cx over Diameter (3GPP TS 29.228, TS 29.229) for the CSCFs of the real lab.

Messages and AVPs are python-diameter's; the AVPs of Cx are written by number, because the package gives the codes
of RFC 4740 to those that share a name.

    python hss.py --bind 127.50.1.40 --config hss.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import struct
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from diameter.message import Avp, Message, MessageHeader
from milenage import Milenage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PORT = 3868
TGPP = 10415
CX = 16777216
CER, DWR, DPR = 257, 280, 282
UAR, SAR, LIR, MAR = 300, 301, 302, 303
SUCCESS, UNABLE = 2001, 5012
FIRST_REGISTRATION, SUBSEQUENT_REGISTRATION = 2001, 2002
USER_UNKNOWN, IDENTITIES_DONT_MATCH, NOT_REGISTERED = 5001, 5002, 5003
DEREGISTER_USER = {4, 5, 6, 7, 8}
"""Server-Assignment-Type values that end a registration (TS 29.229 clause 6.3.15)."""
SQN_STEP = 32


def number(code: int, value: int, vendor: int = 0) -> Avp:
    """Make an Unsigned32 or Enumerated AVP."""
    return octets(code, struct.pack("!I", value), vendor)


def octets(code: int, value: bytes | str, vendor: int = 0) -> Avp:
    """Make an OctetString or UTF8String AVP."""
    payload = value.encode() if isinstance(value, str) else value
    return Avp(code, vendor, payload, 0xC0 if vendor else 0x40)


def group(code: int, members: Iterable[Avp], vendor: int = 0) -> Avp:
    """Make a Grouped AVP."""
    return octets(code, b"".join(member.as_bytes() for member in members), vendor)


def find(avps: Iterable[Avp], code: int) -> bytes | None:
    """Return the payload of the first AVP of a code."""
    return next((bytes(avp.payload) for avp in avps if avp.code == code), None)


def members(payload: bytes) -> list[Avp]:
    """Take a Grouped AVP's payload apart."""
    found = []
    while payload:
        length = int.from_bytes(payload[5:8], "big")
        found.append(Avp.from_bytes(payload[: length + -length % 4]))
        payload = payload[length + -length % 4 :]
    return found


@dataclass
class Subscriber:
    """One subscription with its state."""

    impi: str
    impus: list[str]
    milenage: Milenage
    amf: bytes
    sqn: int
    triggers: list[dict[str, str]] = field(default_factory=list)
    registered: bool = False


class Hss:
    """The subscribers, and an answer to each request."""

    def __init__(self, config: dict[str, object]) -> None:
        self.host, self.realm, self.scscf = str(config["host"]), str(config["realm"]), str(config["scscf"])
        self.by_impi: dict[str, Subscriber] = {}
        self.by_impu: dict[str, Subscriber] = {}
        for entry in config["subscribers"]:  # type: ignore[attr-defined]
            milenage = Milenage(bytes.fromhex(entry["k"]), bytes.fromhex(entry["opc"]))
            amf = bytes.fromhex(entry.get("amf", "8000"))
            one = Subscriber(entry["impi"], entry["impus"], milenage, amf, 0, entry.get("triggers", []))
            self.by_impi[one.impi] = one
            self.by_impu.update(dict.fromkeys(one.impus, one))
        self.commands: dict[int, Callable[[list[Avp]], list[Avp]]] = {
            UAR: self.authorise,
            SAR: self.assign,
            LIR: self.locate,
            MAR: self.authenticate,
        }

    def answer(self, request: Message) -> Message:
        """Answer a request."""
        header = request.header
        answer = Message(
            MessageHeader(
                1,
                0,
                0,
                header.command_code,
                header.application_id,
                header.hop_by_hop_identifier,
                header.end_to_end_identifier,
            )
        )
        answer.header.is_proxyable = header.is_proxyable
        handle = self.commands.get(header.command_code)
        own = [octets(264, self.host), octets(296, self.realm)]
        avps = request.avps
        if handle is None:
            answer.avps = [number(268, SUCCESS), *own, *self._base(header.command_code)]
            return answer
        session = find(avps, 263) or b""
        application = group(260, [number(266, TGPP), number(258, CX)])
        try:
            told = handle(avps)
        except Exception:  # whatever a CSCF passes on, the HSS goes on serving
            traceback.print_exc()
            told = [number(268, UNABLE)]
        answer.avps = [octets(263, session), application, number(277, 1), *own, *told]
        return answer

    def _base(self, command: int) -> list[Avp]:
        if command != CER:
            return []
        address = b"\x00\x01" + bytes(int(part) for part in self.host.split("."))
        supported = group(260, [number(266, TGPP), number(258, CX)])
        return [octets(257, address), number(266, 0), octets(269, "hss"), number(265, TGPP), supported]

    def authorise(self, avps: list[Avp]) -> list[Avp]:
        """User-Authorization: may this user register, and at which S-CSCF?"""
        one, refusal = self._user(avps)
        if one is None:
            return refusal
        code = SUBSEQUENT_REGISTRATION if one.registered else FIRST_REGISTRATION
        return [self._experimental(code), octets(602, self.scscf, TGPP)]

    def locate(self, avps: list[Avp]) -> list[Avp]:
        """Location-Info: which S-CSCF serves this identity?"""
        one = self.by_impu.get((find(avps, 601) or b"").decode())
        if one is None:
            return [self._experimental(USER_UNKNOWN)]
        if not one.registered:
            return [self._experimental(NOT_REGISTERED)]
        return [number(268, SUCCESS), octets(602, self.scscf, TGPP)]

    def authenticate(self, avps: list[Avp]) -> list[Avp]:
        """Multimedia-Auth: one vector, after a resynchronisation when the UE has asked for one."""
        one, refusal = self._user(avps)
        if one is None:
            return refusal
        item = members(find(avps, 612) or b"")
        told = find(item, 610)
        if told and len(told) >= 30:
            sqn = one.milenage.resynchronise(told[:16], told[16:30])
            if sqn is not None:
                one.sqn = int.from_bytes(sqn, "big")
        one.sqn = (one.sqn + SQN_STEP) % (1 << 48)
        vector = one.milenage.vector(os.urandom(16), one.sqn.to_bytes(6, "big"), one.amf)
        data = [
            number(613, 1, TGPP),
            octets(608, "Digest-AKAv1-MD5", TGPP),
            octets(609, vector.rand + vector.autn, TGPP),
            octets(610, vector.xres, TGPP),
            octets(625, vector.ck, TGPP),
            octets(626, vector.ik, TGPP),
        ]
        return [
            number(268, SUCCESS),
            octets(1, one.impi),
            octets(601, find(avps, 601) or one.impus[0], TGPP),
            number(607, 1, TGPP),
            group(612, data, TGPP),
        ]

    def assign(self, avps: list[Avp]) -> list[Avp]:
        """Server-Assignment: the S-CSCF takes or gives up the user; it gets the user's profile."""
        one, refusal = self._user(avps)
        if one is None:
            return refusal
        kind = int.from_bytes(find(avps, 614) or b"", "big")
        if kind in DEREGISTER_USER:
            one.registered = False
            return [number(268, SUCCESS), octets(1, one.impi)]
        one.registered = one.registered or kind in {1, 2}
        return [number(268, SUCCESS), octets(1, one.impi), octets(606, self.profile(one), TGPP)]

    def profile(self, one: Subscriber) -> str:
        """Write the user's profile (TS 29.228 annex E)."""
        identities = "".join(
            f"<PublicIdentity><Identity>{escape(uri)}</Identity></PublicIdentity>" for uri in one.impus
        )
        criteria = "".join(_criterion(priority, trigger) for priority, trigger in enumerate(one.triggers))
        return (
            '<?xml version="1.0" encoding="UTF-8"?><IMSSubscription>'
            f"<PrivateID>{escape(one.impi)}</PrivateID>"
            f"<ServiceProfile>{identities}{criteria}</ServiceProfile></IMSSubscription>"
        )

    def _user(self, avps: list[Avp]) -> tuple[Subscriber | None, list[Avp]]:
        impi, impu = find(avps, 1), (find(avps, 601) or b"").decode()
        one = self.by_impi.get(impi.decode()) if impi else self.by_impu.get(impu)
        if one is None:
            return None, [self._experimental(USER_UNKNOWN)]
        if impu and impu not in one.impus:
            return None, [self._experimental(IDENTITIES_DONT_MATCH)]
        return one, []

    @staticmethod
    def _experimental(code: int) -> Avp:
        return group(297, [number(266, TGPP), number(298, code)])


def _criterion(priority: int, trigger: dict[str, str]) -> str:
    return (
        f"<InitialFilterCriteria><Priority>{priority}</Priority><TriggerPoint>"
        "<ConditionTypeCNF>1</ConditionTypeCNF>"
        f"<SPT><ConditionNegated>0</ConditionNegated><Group>0</Group><Method>{trigger['method']}</Method></SPT>"
        f"<SPT><ConditionNegated>0</ConditionNegated><Group>1</Group><SessionCase>{trigger['case']}</SessionCase></SPT>"
        "<SPT><ConditionNegated>0</ConditionNegated><Group>2</Group><SessionDescription><Line>m</Line>"
        f"<Content>{escape(trigger['media'])}</Content></SessionDescription></SPT>"
        f"</TriggerPoint><ApplicationServer><ServerName>{trigger['server']}</ServerName>"
        "<DefaultHandling>0</DefaultHandling></ApplicationServer></InitialFilterCriteria>"
    )


async def serve(hss: Hss, bind: str) -> None:
    """Serve until the signal."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readexactly(20)
                body = await reader.readexactly(int.from_bytes(head[1:4], "big") - 20)
                request = Message.from_bytes(head + body, plain_msg=True)
                if request.header.is_request:
                    writer.write(hss.answer(request).as_bytes())
                if request.header.command_code == DPR:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    stop = asyncio.Event()
    for number_ in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number_, stop.set)
    server = await asyncio.start_server(connection, bind, PORT)
    await stop.wait()
    server.close()


def main() -> None:
    """Read the configuration and serve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--bind", required=True)
    parser.add_argument("--config", required=True, type=Path)
    options = parser.parse_args()
    asyncio.run(serve(Hss(json.loads(options.config.read_text())), options.bind))


if __name__ == "__main__":
    main()
