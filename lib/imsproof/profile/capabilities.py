"""Capabilities: tokens that test purposes need, each with the rule that gives it and the field that would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from imsproof.profile.sbi import TokenClaim

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.profile.gm import Subscriber
    from imsproof.profile.model import Profile
    from imsproof.profile.sbi import Producer, Tokens

Claim = Literal[
    "app-binding",
    "confidentiality-required",
    "contexts-owned",
    "dtls-1.3",
    "dtls-srtp",
    "e2dce",
    "e2e",
    "early-media",
    "hides-subscribers",
    "msrp-e2ae",
    "reg-event",
    "sdes",
    "session-timers",
    "topology-hiding",
]
"""Mechanisms that a lab may claim and that nothing else in the profile tells."""


@dataclass(frozen=True, slots=True)
class Capability:
    """What a profile must hold for a token.

    Attributes:
        holds: the rule; only asked when all of ``needs`` hold.
        missing: sentence that names the field to fill in.
        needs: tokens that must hold first; the first that does not gives the reason.
    """

    holds: Callable[[Profile], bool]
    missing: str
    needs: tuple[str, ...] = ()


def _subscribers(profile: Profile) -> tuple[Subscriber, ...]:
    return profile.gm.usual if profile.gm else ()


def _gm(field: str) -> Callable[[Profile], bool]:
    return lambda profile: bool(getattr(profile.gm, field))


def _sbi(field: str) -> Callable[[Profile], bool]:
    return lambda profile: bool(getattr(profile.sbi, field))


def _producer(rule: Callable[[Producer], bool]) -> Callable[[Profile], bool]:
    """Whether a rule holds for the producer under test (the first with a probe, else the first)."""

    def holds(profile: Profile) -> bool:
        producer = profile.sbi.producer_under_test if profile.sbi else None
        return producer is not None and rule(producer)

    return holds


def _tokens(rule: Callable[[Tokens], bool]) -> Callable[[Profile], bool]:
    return lambda profile: profile.sbi is not None and profile.sbi.tokens is not None and rule(profile.sbi.tokens)


def _revocation(field: str, *values: str) -> Callable[[Profile], bool]:
    return lambda profile: (
        profile.sbi is not None
        and profile.sbi.revocation is not None
        and getattr(profile.sbi.revocation, field) in values
    )


def _mw(field: str) -> Callable[[Profile], bool]:
    return lambda profile: bool(getattr(profile.mw, field))


def _border(node: str, hiding: str) -> Callable[[Profile], bool]:
    return lambda profile: (
        profile.mw is not None
        and bool(profile.mw.hidden)
        and any(one.node == node and one.hiding == hiding for one in profile.mw.borders)
    )


def _probed_with_json(profile: Profile) -> bool:
    """Whether the producer that is tested (the first with a probe) is probed with a JSON object."""
    producers = profile.sbi.producers if profile.sbi else ()
    probe = next((one.probe for one in producers if one.probe is not None), None)
    return probe is not None and isinstance(probe.body, dict)


def _claim(name: str) -> Callable[[Profile], bool]:
    return lambda profile: name in profile.claims


def _far_answers(profile: Profile, medium: str) -> bool:
    return profile.far is not None and medium in profile.far.answers


def _hooked(part: str) -> Callable[[Profile], bool]:
    return lambda profile: getattr(getattr(profile, part), "hook", None) is not None


def _dc_call(profile: Profile) -> bool:
    able = [subscriber for subscriber in _subscribers(profile) if subscriber.data_channel]
    return (len(able) >= 1 and _far_answers(profile, "data-channel")) or len(able) >= 2


def _dc_two_peers(profile: Profile) -> bool:
    able = [subscriber for subscriber in _subscribers(profile) if subscriber.data_channel]
    calls = len(able) >= (2 if _far_answers(profile, "data-channel") else 3)
    return (profile.dc is not None and profile.dc.hook is not None and profile.dc.at_once > 1) or calls


def _dc_peer(profile: Profile) -> bool:
    """Whether the lab itself ends data channels: between two of the tester's own UEs it does so only in e2DCe."""
    anchored = _far_answers(profile, "data-channel") or "e2dce" in profile.claims
    return _hooked("dc")(profile) or (_dc_call(profile) and anchored)


def _apps_differ(profile: Profile) -> bool:
    lists = [set(one.apps) for one in _subscribers(profile) if one.data_channel and one.apps]
    return any(set().union(*lists) - one for one in lists)


def _dc_role(role: Literal["active", "passive"]) -> Callable[[Profile], bool]:
    return lambda profile: profile.dc is None or role in profile.dc.roles


def _messages(profile: Profile) -> bool:
    """Whether the lab ends message sessions: an endpoint behind a hook, or its own UE in a call."""
    return _hooked("msrp")(profile) or (bool(_subscribers(profile)) and _far_answers(profile, "message"))


def _msrp(field: str, *, default: bool) -> Callable[[Profile], bool]:
    return lambda profile: default if profile.msrp is None else bool(getattr(profile.msrp, field))


def _media_call(profile: Profile) -> bool:
    return len(_subscribers(profile)) >= 2 or (bool(_subscribers(profile)) and _far_answers(profile, "audio"))


def _apps(profile: Profile) -> bool:
    by_hook = profile.dc is not None and profile.dc.bootstrap and bool(profile.dc.apps)
    return by_hook or any(subscriber.apps for subscriber in _subscribers(profile))


def _suite(name: str) -> Callable[[Profile], bool]:
    return lambda profile: profile.media is not None and name in profile.media.suites


_SUITE = "media.suites does not list {0}"
_CLAIMED = "the profile does not list {0} under claims"

_TABLE: dict[str, Capability] = {
    "gm": Capability(lambda p: p.gm is not None, "the profile has no gm section (P-CSCF or registrar)"),
    "gm.udp": Capability(_gm("udp"), "gm.udp is not given (address of SIP over UDP)", ("gm",)),
    "gm.tcp": Capability(_gm("tcp"), "gm.tcp is not given (address of SIP over TCP)", ("gm",)),
    "gm.tls": Capability(_gm("tls"), "gm.tls is not given (address of SIP over TLS)", ("gm",)),
    "gm.subscriber": Capability(_gm("usual"), "gm.subscribers is empty", ("gm",)),
    "gm.aka": Capability(
        lambda p: any(s.auth == "aka" for s in _subscribers(p)),
        "no subscriber under gm.subscribers has k with op or opc (IMS AKA)",
        ("gm",),
    ),
    "gm.must-agree": Capability(
        lambda p: p.gm is not None and any(s.must_agree for s in p.gm.subscribers),
        "no subscriber under gm.subscribers has must_agree: true (the network serves it with an agreement alone)",
        ("gm",),
    ),
    "gm.least-expires": Capability(
        _gm("least_expires"), "gm.least_expires is not given (the shortest registration, up to 30 s)", ("gm",)
    ),
    "gm.akav2": Capability(
        lambda p: any((s.algorithm or "").startswith("AKAv2-") for s in _subscribers(p)),
        "no subscriber under gm.subscribers has k and the algorithm AKAv2-SHA-256 or AKAv2-MD5",
        ("gm",),
    ),
    "gm.digest": Capability(
        lambda p: any(s.auth == "digest" for s in _subscribers(p)),
        "no subscriber under gm.subscribers has a password (SIP digest)",
        ("gm",),
    ),
    "gm.digest-sha": Capability(
        lambda p: any(s.algorithm in {"SHA-256", "SHA-512-256"} for s in _subscribers(p)),
        "no subscriber under gm.subscribers has a password with the algorithm SHA-256 or SHA-512-256",
        ("gm",),
    ),
    "gm.two-digest": Capability(
        lambda p: sum(s.auth == "digest" for s in _subscribers(p)) > 1,
        "gm.subscribers holds fewer than two subscribers with a password (SIP digest)",
        ("gm",),
    ),
    "gm.two-aka": Capability(
        lambda p: sum(s.auth == "aka" for s in _subscribers(p)) > 1,
        "gm.subscribers holds fewer than two subscribers with k and op or opc (IMS AKA)",
        ("gm",),
    ),
    "gm.two-subscribers": Capability(
        lambda p: len(_subscribers(p)) >= 2, "gm.subscribers holds fewer than two subscribers", ("gm",)
    ),
    "gm.p-cscf": Capability(
        lambda p: p.gm is not None and p.gm.is_pcscf,
        "gm is a plain registrar (gm.role): it need not do what a P-CSCF does",
        ("gm",),
    ),
    "gm.third-subscriber": Capability(
        lambda p: len(_subscribers(p)) >= 3, "gm.subscribers holds fewer than three subscribers", ("gm",)
    ),
    "gm.barred": Capability(_gm("barred"), "gm.barred is empty (destinations that nobody may call)", ("gm",)),
    "gm.refuses-anonymous": Capability(
        lambda p: any(s.refuses_anonymous for s in _subscribers(p)),
        "no subscriber under gm.subscribers refuses anonymous calls (refuses_anonymous: true)",
        ("gm.two-subscribers",),
    ),
    "gm.removal": Capability(
        _gm("removal"), "gm.removal is not given (how the network de-registers a subscriber by itself)", ("gm",)
    ),
    "gm.callback": Capability(
        _gm("callback"), "gm.callback is not given (a service whose AS answers with an anonymous request)", ("gm",)
    ),
    "mw": Capability(lambda p: p.mw is not None, "the profile has no mw section (nodes behind the P-CSCF)"),
    "mw.icscf": Capability(_mw("icscf"), "mw.icscf is not given (address of the I-CSCF)", ("mw",)),
    "mw.scscf": Capability(_mw("scscf"), "mw.scscf is not given (address of the S-CSCF)", ("mw",)),
    "mw.application-server": Capability(
        _mw("application_server"), "mw.application_server is not given (address of an AS)", ("mw",)
    ),
    "mw.ibcf-encryption": Capability(
        _border("ibcf", "encryption"), "no border under mw.borders is an ibcf that hides by encryption", ("mw",)
    ),
    "mw.ibcf-replacement": Capability(
        _border("ibcf", "replacement"), "no border under mw.borders is an ibcf that hides by replacement", ("mw",)
    ),
    "mw.i-cscf-encryption": Capability(
        _border("i-cscf", "encryption"), "no border under mw.borders is an i-cscf that hides by encryption", ("mw",)
    ),
    "mw.border": Capability(
        lambda p: p.mw is not None and bool(p.mw.borders) and bool(p.mw.hidden),
        "mw.borders or mw.hidden is empty (border nodes, and the addresses that they hide)",
        ("mw",),
    ),
    "gm.far-end": Capability(_gm("far_end"), "gm.far_end is not given (a UE of the lab that takes calls)", ("gm",)),
    "gm.call": Capability(
        lambda p: len(_subscribers(p)) >= 2 or (bool(_subscribers(p)) and p.far is not None),
        "a call needs two subscribers under gm.subscribers, or one and gm.far_end",
        ("gm",),
    ),
    "gm.ipsec": Capability(
        lambda p: p.gm is not None and "ipsec-3gpp" in p.gm.sec_agree,
        "gm.sec_agree does not list ipsec-3gpp",
        ("gm",),
    ),
    "gm.ipsec-nat": Capability(
        _gm("nat_port"), "gm.nat_port is not given (UDP port for ESP of UEs behind a NAT)", ("gm.ipsec",)
    ),
    "gm.tls-sessions": Capability(
        lambda p: p.gm is not None and "tls" in p.gm.sec_agree and p.gm.tls is not None,
        "gm.sec_agree does not list tls, or gm.tls is not given (TLS as in TS 33.203 Annex O)",
        ("gm",),
    ),
    "gm.tls-ca": Capability(_gm("tls_ca"), "gm.tls_ca is not given (the CA of the TLS server)", ("gm.tls",)),
    "gm.sec-agree": Capability(
        _gm("sec_agree"), "gm.sec_agree is empty (mechanisms of the security agreement)", ("gm",)
    ),
    "sbi": Capability(lambda p: p.sbi is not None, "the profile has no sbi section"),
    "sbi.producer": Capability(_sbi("producers"), "sbi.producers is empty", ("sbi",)),
    "sbi.tls": Capability(
        _producer(lambda one: one.url.scheme == "https"),
        "the producer under test has no https URL (sbi.producers[].url)",
        ("sbi.producer",),
    ),
    "sbi.http2": Capability(
        _producer(lambda one: one.http == "2"),
        "the producer under test speaks HTTP/1.1 only (sbi.producers[].http)",
        ("sbi.producer",),
    ),
    "sbi.nmf-mrm": Capability(
        _producer(lambda one: "nmf-mrm" in one.apis),
        "the producer under test (the first with a probe) does not list nmf-mrm in its apis",
        ("sbi.producer",),
    ),
    "sbi.probe": Capability(
        lambda p: p.sbi is not None and any(producer.probe for producer in p.sbi.producers),
        "no producer under sbi.producers has a probe (a request that it accepts)",
        ("sbi.producer",),
    ),
    "sbi.json": Capability(
        lambda p: p.sbi is not None and _probed_with_json(p),
        "the probe under sbi.producers has no JSON object as its body",
        ("sbi.probe",),
    ),
    "sbi.consumer": Capability(
        _sbi("consumer"), "sbi.consumers is empty (a client certificate that the lab trusts)", ("sbi",)
    ),
    "sbi.second-consumer": Capability(
        _sbi("others"), "sbi.consumers holds no second consumer (role other)", ("sbi.consumer",)
    ),
    "sbi.nrf": Capability(_sbi("nrf"), "sbi.nrf is not given", ("sbi",)),
    "sbi.nrf-tls": Capability(
        lambda p: p.sbi is not None and p.sbi.nrf is not None and p.sbi.nrf.url.scheme == "https",
        "sbi.nrf.url is no https URL: without TLS, the network alone tells the NRF who asks",
        ("sbi.nrf",),
    ),
    "sbi.scp": Capability(_sbi("scp"), "sbi.scp is not given", ("sbi",)),
    "sbi.scp-tokens": Capability(
        lambda p: p.sbi is not None and p.sbi.scp is not None and not p.sbi.scp.obtains_tokens,
        "the SCP gets access tokens itself (sbi.scp.obtains_tokens), so that the producer sees none of the tester's",
        ("sbi.scp",),
    ),
    "sbi.scp-assertion": Capability(
        lambda p: p.sbi is not None and p.sbi.scp is not None and p.sbi.scp.requires_assertion,
        "producers behind the SCP do not ask for assertions (sbi.scp.requires_assertion)",
        ("sbi.scp",),
    ),
    "sbi.tokens": Capability(
        lambda p: p.sbi is not None and any(producer.requires_token for producer in p.sbi.producers),
        "no producer under sbi.producers requires a token",
        ("sbi.token-source", "sbi.producer"),
    ),
    "sbi.token-source": Capability(_sbi("tokens"), "sbi.tokens is not given (how access tokens are had)", ("sbi",)),
    "sbi.mint": Capability(
        lambda p: p.sbi is not None and p.sbi.tokens is not None and p.sbi.tokens.source == "key",
        "sbi.tokens has no signing key that the lab trusts (from: key)",
        ("sbi.token-source",),
    ),
    "sbi.token-issuer": Capability(
        _tokens(lambda tokens: tokens.source != "file"),
        "sbi.tokens is one token in a file: tokens of several kinds need from: key or from: nrf",
        ("sbi.tokens",),
    ),
    "sbi.token-public-key": Capability(
        _tokens(
            lambda tokens: tokens.public_key is not None or (tokens.key is not None and tokens.algorithm != "HS256")
        ),
        "sbi.tokens.public_key is not given (the public key that producers verify tokens with)",
        ("sbi.tokens",),
    ),
    "sbi.revoked": Capability(
        _sbi("revoked"), "sbi.revoked is not given (a consumer whose certificate was revoked)", ("sbi.consumer",)
    ),
    "sbi.ocsp": Capability(
        _revocation("ocsp", "asks", "requires"),
        "sbi.revocation.ocsp is not given (producers ask the OCSP responder that a client's certificate names)",
        ("sbi.client-ca",),
    ),
    "sbi.ocsp-required": Capability(
        _revocation("ocsp", "requires"),
        "sbi.revocation.ocsp is asks: whom no responder vouches for is served anyway",
        ("sbi.ocsp",),
    ),
    "sbi.crl-point": Capability(
        _revocation("crl", "asks", "requires"),
        "sbi.revocation.crl is not given (producers fetch the list at a client certificate's distribution point)",
        ("sbi.client-ca",),
    ),
    "sbi.crl-point-required": Capability(
        _revocation("crl", "requires"),
        "sbi.revocation.crl is asks: whom no list vouches for is served anyway",
        ("sbi.crl-point",),
    ),
    "sbi.staples": Capability(
        _producer(lambda one: one.staples),
        "the producer under test does not staple OCSP responses (sbi.producers[].staples)",
        ("sbi.producer",),
    ),
    "sbi.peer-consumer": Capability(
        _sbi("peers"), "sbi.consumers holds no second consumer with role authorised", ("sbi.consumer",)
    ),
    "sbi.another-consumer": Capability(
        lambda p: p.sbi is not None and p.sbi.another is not None,
        "sbi.consumers holds no second consumer with an instance_id",
        ("sbi.consumer",),
    ),
    "sbi.static": Capability(
        lambda p: p.sbi is not None and any(one.probe and not one.requires_token for one in p.sbi.producers),
        "no producer under sbi.producers has a probe and requires_token: false",
        ("sbi.producer",),
    ),
    "sbi.cca": Capability(
        _producer(lambda one: one.cca is not None),
        "the producer under test does not verify client credentials assertions (sbi.producers[].cca)",
        ("sbi.probe", "sbi.consumer"),
    ),
    "sbi.cca-required": Capability(
        lambda p: p.sbi is not None and any(one.probe and one.cca == "required" for one in p.sbi.producers),
        "no producer with a probe requires client credentials assertions (sbi.producers[].cca: required)",
        ("sbi.probe", "sbi.consumer"),
    ),
    "sbi.operation-scope": Capability(
        lambda p: p.sbi is not None and any(one.probe and one.operation_scope for one in p.sbi.producers),
        "no producer with a probe asks for an additional scope (sbi.producers[].operation_scope)",
        ("sbi.probe", "sbi.tokens"),
    ),
    "sbi.schema": Capability(
        _producer(lambda one: one.openapi is not None or "nmf-mrm" in one.apis),
        "the producer under test has no OpenAPI file (sbi.producers[].openapi)",
        ("sbi.producer",),
    ),
    "sbi.callback": Capability(
        _sbi("callback"), "sbi.callback is not given (requests that make an NF of the lab call the tester)", ("sbi",)
    ),
    "sbi.client-ca": Capability(_sbi("client_ca"), "sbi.client_ca is not given (a CA that the lab trusts)", ("sbi",)),
    "dc": Capability(
        _dc_peer,
        "no way to a data channel that the lab ends: give dc.hook, or subscribers with data_channel: true and a"
        " gm.far_end that answers data-channel, or claim e2dce",
    ),
    "dc.hook": Capability(_hooked("dc"), "dc.hook is not given (how an offer reaches the peer)"),
    "dc.call": Capability(
        _dc_call,
        "a call with a data channel needs a subscriber with data_channel: true and a gm.far_end that answers"
        " data-channel, or two such subscribers",
        ("gm",),
    ),
    "dc.two-peers": Capability(
        _dc_two_peers,
        "two data channels at once need two subscribers with data_channel: true and a gm.far_end that answers"
        " data-channel, or three such subscribers, or dc.hook and dc.at_once of 2 or more",
        ("dc",),
    ),
    "dc.sctp": Capability(
        lambda p: p.dc is None or p.dc.sctp, "dc.sctp is false: no SCTP runs inside the peer's DTLS", ("dc",)
    ),
    "dc.passive": Capability(
        _dc_role("passive"), "dc.roles does not list passive (the peer as the DTLS server)", ("dc",)
    ),
    "dc.active": Capability(_dc_role("active"), "dc.roles does not list active (the peer as the DTLS client)", ("dc",)),
    "dc.bootstrap": Capability(
        lambda p: p.dc is None or p.dc.bootstrap, "dc.bootstrap is false: stream 0 serves no HTTP", ("dc.sctp",)
    ),
    "dc.tap": Capability(
        lambda p: p.dc is not None and p.dc.tap is not None,
        "dc.tap is not given (a command that captures the leg behind the MF)",
        ("dc",),
    ),
    "dc.cookie-life": Capability(
        lambda p: p.dc is not None and p.dc.cookie_seconds is not None,
        "dc.cookie_seconds is not given (how long the peer takes an SCTP state cookie back)",
        ("dc.sctp",),
    ),
    "dc.ice": Capability(
        lambda p: p.dc is not None and p.dc.ice != "none", "dc.ice is none: the peer does not claim ICE", ("dc",)
    ),
    "dc.consent": Capability(
        lambda p: p.dc is not None and p.dc.consent_seconds is not None,
        "dc.consent_seconds is not given (how long a peer with full ICE goes on sending without consent)",
        ("dc.ice", "dc.sctp"),
    ),
    "dc.later-offers": Capability(
        lambda p: p.dc is None or p.dc.hook is None or p.dc.hook.later_offers,
        "dc.hook.later_offers is false: no later offer of a call can be handed over",
        ("dc",),
    ),
    "dc.e2e": Capability(_claim("e2e"), _CLAIMED.format("e2e"), ("dc.call",)),
    "dc.e2dce": Capability(_claim("e2dce"), _CLAIMED.format("e2dce"), ("dc.call",)),
    "dc.apps-differ": Capability(
        _apps_differ,
        "no subscriber with data_channel: true under gm.subscribers lists other apps than another",
        ("gm", "dc.call"),
    ),
    "dc.two-able": Capability(
        lambda p: sum(s.data_channel for s in _subscribers(p)) >= 2,
        "gm.subscribers holds fewer than two with data_channel: true",
        ("gm",),
    ),
    "dc.no-service": Capability(
        lambda p: any(not s.data_channel for s in _subscribers(p)),
        "no subscriber under gm.subscribers is without data channels (data_channel: false)",
        ("dc.call",),
    ),
    "dc.apps": Capability(_apps, "no application is named (gm.subscribers[].apps or dc.apps)", ("dc",)),
    "agw": Capability(
        lambda p: _hooked("media")(p) or _media_call(p),
        "no way to media: give media.hook, or two subscribers under gm.subscribers, or one and a gm.far_end that"
        " answers audio",
    ),
    "agw.sdes": Capability(_claim("sdes"), _CLAIMED.format("sdes"), ("agw",)),
    "agw.seen": Capability(
        lambda p: p.media is None or p.media.observe != "none",
        "media.observe is none: what the gateway lets through is not seen",
        ("agw",),
    ),
    "agw.far": Capability(
        lambda p: p.media is None or p.media.observe == "far",
        "media.observe is not far: what the far side sends is not in the tester's hand",
        ("agw",),
    ),
    "agw.call": Capability(
        lambda p: len(_subscribers(p)) >= 2 and (p.media is None or (p.media.via == "gm" and p.media.observe == "far")),
        "media do not go by a call between two of the tester's own UEs (media.via, media.observe, gm.subscribers)",
        ("agw",),
    ),
    "agw.later": Capability(
        lambda p: p.media is None or p.media.hook is None or p.media.hook.later_offers,
        "media.hook.later_offers is false: no later offer of a call can be handed over",
        ("agw",),
    ),
    "agw.aead-128": Capability(_suite("AEAD_AES_128_GCM"), _SUITE.format("AEAD_AES_128_GCM"), ("agw",)),
    "agw.aead-256": Capability(_suite("AEAD_AES_256_GCM"), _SUITE.format("AEAD_AES_256_GCM"), ("agw",)),
    "agw.dtls-srtp": Capability(_claim("dtls-srtp"), _CLAIMED.format("dtls-srtp"), ("agw",)),
    "kms": Capability(
        lambda p: p.kms is not None and len(p.kms.users) >= 2,
        "no KMS: give kms with request, resolve and two users",
    ),
    "kms.tls": Capability(
        lambda p: p.kms is not None and p.kms.request.scheme == "https", "kms.request is no https URL", ("kms",)
    ),
    "kms.third-user": Capability(
        lambda p: p.kms is not None and len(p.kms.users) >= 3, "kms.users holds fewer than three users", ("kms",)
    ),
    "msrp": Capability(
        _messages,
        "no way to a message session: give msrp.hook, or a subscriber under gm.subscribers and a gm.far_end that"
        " answers message",
    ),
    "msrp.tls": Capability(_msrp("tls", default=True), "msrp.tls is false: sessions run over plain TCP", ("msrp",)),
    "msrp.connects": Capability(
        _msrp("connects", default=True), "msrp.connects is false: the endpoint never connects to its peer", ("msrp",)
    ),
    "msrp.e2ae": Capability(_claim("msrp-e2ae"), _CLAIMED.format("msrp-e2ae"), ("gm.two-subscribers",)),
    "tester.second-address": Capability(
        lambda p: len(p.tester.addresses) >= 2, "tester.addresses holds fewer than two addresses"
    ),
    "health": Capability(lambda p: p.health is not None, "the profile has no health section"),
    "health.pids": Capability(
        lambda p: p.health is not None and p.health.pids is not None,
        "the profile names no processes of the lab on this machine (health.pids)",
    ),
}

for _name in get_args(Claim):
    _TABLE[f"claim.{_name}"] = Capability(_claim(_name), _CLAIMED.format(_name))

for _name in get_args(TokenClaim):
    _TABLE[f"sbi.token-claim.{_name}"] = Capability(
        _producer(lambda one, name=_name: name in one.token_claims),  # type: ignore[misc]
        f"the producer under test does not list {_name} under sbi.producers[].token_claims",
        ("sbi.producer",),
    )

TOKENS = tuple(_TABLE)
"""Every token that a purpose may need."""


def why_missing(profile: Profile, token: str) -> str:
    """Say in one sentence which field would give a capability; ``""`` when the profile has it.

    Raises:
        KeyError: no such token.
    """
    capability = _TABLE[token]
    for need in capability.needs:
        if reason := why_missing(profile, need):
            return reason
    if capability.holds(profile):
        return ""
    claim = next((name for name in profile.claims_not if capability.missing == _CLAIMED.format(name)), None)
    return f"the profile lists {claim} under claims_not" if claim else capability.missing
