"""TLS between UE and P-CSCF (TS 33.203 Annex O, TS 33.310 clause 6.2, TS 33.226 clause 4.2.2.3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.actors.connections import Connections
from imsproof.actors.gmtls import GmTlsClient
from imsproof.actors.liveness import other_source
from imsproof.actors.outsider import Outsider
from imsproof.actors.tlsprobe import SSL3
from imsproof.actors.ue import Ue
from imsproof.codec.tlssuites import ANONYMOUS, CLASSES, EXPORT, GOOD, NULL, RC4, SMALL_BLOCK
from imsproof.judge import alive, control, expect
from imsproof.purpose import purpose
from imsproof.seams import InconclusiveError, Role

if TYPE_CHECKING:
    from imsproof.bench import Bench
    from imsproof.codec.sip import Message

SERVED = (200, 202, 404, 405, 480, 486, 488, 501)
"""A registered UE's request was looked at, whatever became of it; 401, 403, 407 and 408 are not among them."""
OLD_VERSIONS = ("TLSv1.1", "TLSv1")
BROKEN = {**NULL, **ANONYMOUS, **EXPORT, **RC4, **SMALL_BLOCK}
"""No encryption, no authentication, or none that lasts. What is merely old (CBC, static RSA) is a matter of form."""
FAILING = 20
"""Handshakes of the stranger, and as many that it breaks off: on Kamailio 5.6, which has the flaw, one to four did."""
NO_HELLO = b"\x16\x03\x01\x00\x05hello" + bytes(40)
EVERYTHING = (*(number for kind in CLASSES.values() for number in kind), *GOOD)


@purpose("GM-TLS-01")
def test_old_versions_are_refused(bench: Bench) -> None:
    """The P-CSCF refuses a hello that offers nothing newer than TLS 1.1, TLS 1.0 or SSLv3."""
    client = GmTlsClient(bench.session, bench.gm)
    control(client.handshake("TLS 1.2 or 1.3")).accepted()
    for version in OLD_VERSIONS:
        attempt = client.handshake(f"{version} alone", minimum=version, maximum=version, ciphers="ALL:@SECLEVEL=0")
        expect(attempt).handshake_refused(version)
    probe = client.probe()
    expect(probe.show(probe.hello("SSLv3 alone", EVERYTHING, version=SSL3, record_version=SSL3))).holds("hello-refused")
    alive(client.handshake("TLS 1.2 or 1.3 again"))


@purpose("GM-TLS-02")
def test_broken_suites_are_refused(bench: Bench) -> None:
    """The P-CSCF answers no hello that offers one broken suite alone, for each of them; of all it takes a good one."""
    client = GmTlsClient(bench.session, bench.gm)
    control(client.handshake("TLS 1.2 with good suites", maximum="TLSv1.2")).accepted()
    probe = client.probe()
    for answer in probe.show_all([probe.hello(f"only {name}", [number]) for number, name in BROKEN.items()]):
        expect(answer).holds("hello-refused")
    every = probe.show(probe.hello("every suite, weak ones first", EVERYTHING))
    expect(every).holds("server-hello", role=Role.FORM, suites=list(GOOD.values()))
    alive(client.handshake("TLS 1.2 with good suites again", maximum="TLSv1.2"))


@purpose("GM-TLS-03")
def test_the_p_cscf_proves_who_it_is(bench: Bench) -> None:
    """The P-CSCF's certificate verifies up to the profile's anchor, is valid now, and names it."""
    client = GmTlsClient(bench.session, bench.gm)
    done = client.handshake("a handshake")
    expect(done).accepted()
    expect(done).holds("server-verified")
    expect(done).holds("certificate-field", field="validity")
    undeclared = "" if bench.gm.tls_server_name else "gm.tls_server_name, what UEs are told that the P-CSCF is called"
    expect(done).holds("certificate-field", field="names", names=client.names, unless_declared=undeclared)


@purpose("GM-TLS-04")
def test_a_session_ends_when_authentication_fails(bench: Bench) -> None:
    """After a wrong response over TLS the P-CSCF closes the connection; another one serves the rightful user."""
    ue = bench.ue(auth="digest", transport="tls", registered=False)
    control(ue.register(label="REGISTER with the right password")).accepted()
    ue.deregister()
    attacker = Ue(bench.session, bench.gm, ue.subscriber, actor="attacker", transport="tls")
    attack = attacker.register(password=f"not {ue.subscriber.password}", label="REGISTER with a wrong password")
    if expect(attack).holds("challenged").held:
        expect(attack).refused(status=[401, 403])
    attacker.wait_end(attack.exchange)
    expect(attack).holds("connection-ended")
    alive(ue.register(label="REGISTER with the right password again"))
    ue.close()


@purpose("GM-TLS-05")
def test_nothing_is_served_outside_the_session(bench: Bench) -> None:
    """A request in the name of a UE that registered over TLS, sent over UDP, is not served."""
    ue = bench.ue(auth="digest", transport="tls")
    control(ue.request("OPTIONS", ue.impu, label="request over TLS")).accepted(accept=SERVED)
    outside = Ue(bench.session, bench.gm, ue.subscriber, actor="outside", transport="udp")
    attack = outside.request("OPTIONS", ue.impu, alter=lambda m: m.to_bytes(), label="the same request over UDP")
    expect(attack).refused(accept=SERVED)
    alive(ue.request("OPTIONS", ue.impu, label="request over TLS again"), accept=SERVED)
    ue.close()


@purpose("GM-TLS-06")
def test_a_session_speaks_for_nobody_else(bench: Bench) -> None:
    """A de-registration of another subscriber over one's own TLS connection is not taken for authenticated."""
    first, second = bench.subscribers(2, auth="digest")
    victim = bench.ue("victim", subscriber=first, transport="tls")
    control(victim.request("OPTIONS", victim.impu, label="request of the victim")).accepted(accept=SERVED)
    attacker = bench.ue("attacker", subscriber=second, transport="tls")

    def of_the_victim(message: Message) -> None:
        for name in ("From", "To"):
            message.set(name, (message.get(name) or "").replace(second.impu, first.impu))
        message.set("Authorization", victim.credentials.initial(bench.gm.registrar))
        message.set("Contact", f"<{victim.contact_uri}>")
        message.set("Expires", "0")

    attack = attacker.challenge(alter=of_the_victim, label="de-registration of the victim, over another connection")
    expect(attack).refused(status=[401, 403])
    after = victim.request("OPTIONS", victim.impu, label="request of the victim after")
    expect(after).accepted(accept=SERVED)
    alive(after, accept=SERVED)
    attacker.close()
    victim.close()


@purpose("GM-TLS-15")
def test_failing_handshakes_end_no_other_connection(bench: Bench) -> None:
    """While handshakes of a stranger at another address fail, a UE is served over the connection that it has."""
    ue = bench.ue(transport="tls", registered=False)
    registration = ue.register()
    control(registration).accepted()
    control(ue.request("OPTIONS", ue.impu, label="request")).accepted(accept=SERVED)
    usual = ue.local[0]
    source = next((one for one in bench.profile.tester.addresses if one != usual), None)
    target = GmTlsClient(bench.session, bench.gm).target.url
    source = source or other_source(target.host, usual)
    if source is None:
        raise InconclusiveError("there is no second address for the stranger: fill in tester.addresses")
    place = (target.host, target.port)
    stranger = Outsider(bench.session, actor="stranger", source=source)
    hasty = Connections(bench.session, place, source=source, actor="stranger")
    for number in range(1, FAILING + 1):
        stranger.send(NO_HELLO, place, f"no hello {number}", transport="tcp", linger=0.0)
        hasty.hang_up(NO_HELLO, f"no hello {number}, hung up")
        last = ue.request("OPTIONS", ue.impu, label=f"request {number}")
        if not last.status:
            break
    expect(last).accepted(accept=SERVED)
    expect(registration).holds("connection-kept")
    alive(ue.register(label="REGISTER after them"))
    ue.close()


@purpose("GM-TLS-07")
def test_no_loose_renegotiation(bench: Bench) -> None:
    """The P-CSCF indicates secure renegotiation in TLS 1.2, and does no second handshake that the client starts."""
    client = GmTlsClient(bench.session, bench.gm)
    control(client.handshake("TLS as usual")).accepted()
    probe = client.probe()
    indicated = probe.show(probe.hello("renegotiation indicated"))
    expect(indicated).holds("server-hello", extensions=["renegotiation_info"], moot=True)
    expect(client.renegotiate("a second handshake")).holds("no-renegotiation")
    alive(client.handshake("TLS as usual again"))
