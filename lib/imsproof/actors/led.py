"""Leads a consumer of the lab to a server of the tester, by requests that the profile names (subscriptions, say)."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from imsproof.actors.certificates import DAY
from imsproof.link.subject import Exchange, HttpAnswer
from imsproof.link.tlslisten import TlsListener, address_toward
from imsproof.seams import InconclusiveError

if TYPE_CHECKING:
    import datetime as dt

    from imsproof.actors.certificates import CertificateMaker
    from imsproof.actors.nf import NfConsumer
    from imsproof.actors.nfidentity import NfIdentity
    from imsproof.actors.nfrequest import Target
    from imsproof.profile.sbi import Callback, CallbackRequest

PATH = "/imsproof/notifications"
WRONG_NAME = "not-the-tester.invalid"


@dataclass(slots=True, kw_only=True)
class Led(Exchange):
    """What came to the tester's server, and the requests that led there."""

    asked: list[HttpAnswer]


class ServerMaker:
    """Makes certificates of the tester's server, right and wrong, for an address, or for a name of it.

    Args:
        maker: makes them, as copies of the consumer's own.
        host: the IP address that the lab is led to.
        name: the host name in the URI that leads it there, where it is not the address.
    """

    def __init__(self, maker: CertificateMaker, host: str, name: str = "") -> None:
        self._maker = maker
        address = x509.IPAddress(ipaddress.ip_address(host))
        right: list[x509.GeneralName] = [x509.DNSName(name)] if name else [address, x509.DNSName(host)]
        wrong: list[x509.GeneralName] = [x509.DNSName(WRONG_NAME), *([address] if name else ())]
        self._names, self._others = x509.SubjectAlternativeName(right), x509.SubjectAlternativeName(wrong)

    def right(self) -> NfIdentity:
        """Issued by the authority that the lab trusts, for this address or name."""
        return self._made("right", self._names)

    def misnamed(self) -> NfIdentity:
        """Issued by that authority, for another name; where the URI has a name, also for the address behind it."""
        return self._made("for another name", self._others)

    def expired(self) -> NfIdentity:
        """Its validity ended yesterday."""
        return self._made("expired", self._names, end=self._maker.now - DAY)

    def client_only(self) -> NfIdentity:
        """For TLS clients only."""
        return self._made("for clients only", self._names, usage=ExtendedKeyUsageOID.CLIENT_AUTH)

    def of_unknown_authority(self) -> NfIdentity:
        """For this address, by an authority that the lab does not know."""
        root = self._maker.root("imsproof untrusted CA")
        return self._maker.leaf("of an unknown authority", root, changes=[(self._names, True)])

    def _made(
        self,
        name: str,
        names: x509.SubjectAlternativeName,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
        end: dt.datetime | None = None,
    ) -> NfIdentity:
        changes: list[tuple[x509.ExtensionType, bool]] = [(names, True), (x509.ExtendedKeyUsage([usage]), False)]
        return self._maker.leaf(name, self._maker.trusted, changes=changes, start=self._maker.now - 30 * DAY, end=end)


class Leader:
    """Has an NF of the lab call a server of the tester.

    Attributes:
        host: the tester's address, as the lab is told it.
    """

    def __init__(self, consumer: NfConsumer, callback: Callback) -> None:
        """Lead by the profile's requests, made by ``consumer``."""
        self._consumer = consumer
        self._callback = callback
        first = self._target(callback.requests[0])
        self.host = address_toward(consumer.session, (first.url.host, first.url.port))

    def lead(self, identity: NfIdentity, name: str = "") -> Led:
        """Listen with a certificate, make the requests, wait for who comes, and take the requests back.

        The lab is led to the address, or to a ``name`` that it resolves to this address.
        """
        session = self._consumer.session
        exchange = session.exchange(f"a server{name and f' at {name}'} with a certificate {identity.name}")
        listener: TlsListener = session.run(
            TlsListener.open(
                session, "tester-server", exchange, self.host, identity.certificate or b"", identity.key or b""
            )
        )
        host, port = listener.address
        url = f"https://{name or (f'[{host}]' if ':' in host else host)}:{port}{PATH}"
        answers = [self._ask(one, {"callback": url}, "lead the lab to it") for one in self._callback.requests]
        session.run(listener.wait(session.timers.answer))
        made = next((one.header("location") for one in answers if one.header("location")), "") or ""
        for one in self._callback.release:
            self._ask(one, {"callback": url, "location": made}, "tidy up")
        session.run(listener.aclose())
        return Led(record=session.record, exchange=exchange, asked=answers)

    def _ask(self, request: CallbackRequest, words: dict[str, str], label: str) -> HttpAnswer:
        target = self._target(request)
        producer = next((one for one in self._consumer.sbi.producers if one is target), None)
        token = self._consumer.token(producer) if producer is not None and producer.requires_token else None
        answer = self._consumer.call(
            target,
            request.method,
            _filled(request.path, words),
            body=json.loads(_filled(json.dumps(request.body), words)),
            token=token,
            headers=list(request.headers.items()),
            label=f"{label}: {request.method} {request.path[:60]}",
        )
        answer.accept = tuple(request.expect)
        return answer

    def _target(self, request: CallbackRequest) -> Target:
        sbi = self._consumer.sbi
        if request.to == "nrf" and sbi.nrf is not None:
            return sbi.nrf
        found = next((one for one in sbi.producers if one.name == request.to), None)
        if found is None:
            raise InconclusiveError(f"sbi.callback is to {request.to}, which is neither nrf nor one of sbi.producers")
        return found


def _filled(text: str, words: dict[str, str]) -> str:
    for name, value in words.items():
        text = text.replace(f"{{{name}}}", value)
    return text
