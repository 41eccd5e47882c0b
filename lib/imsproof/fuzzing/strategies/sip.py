"""Strategies for SIP requests, their URIs, and the headers of the security agreement (RFC 3261, RFC 3329)."""

from __future__ import annotations

from hypothesis import strategies as st

from imsproof.codec.secagree import SecMechanism, format_mechanisms
from imsproof.codec.torture.draft import Aim, Draft
from imsproof.fuzzing.anomalies import METHODS, Anomaly, anomalies
from imsproof.fuzzing.strategies.common import edited

TOKEN = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~", min_size=1, max_size=30)
HOST = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda one: f"[{one}]"),
    st.from_regex(r"([a-z][a-z0-9]{1,10}\.){1,3}[a-z]{2,6}", fullmatch=True),
)
USER = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()&=+$,;?/", min_size=1, max_size=20)
PORT = st.integers(1, 65535)
QUOTED = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters='"\\\x7f'), max_size=20
).map(lambda text: f'"{text}"')
PARAMETER = st.builds(lambda name, value: f";{name}={value}", TOKEN, TOKEN)
EXTENSION = st.builds(lambda name, value: f"X-{name}: {value}", TOKEN, QUOTED)


@st.composite
def uris(draw: st.DrawFn) -> str:
    """SIP URIs (RFC 3261 25.1)."""
    user = draw(st.one_of(st.just(""), USER.map(lambda text: f"{text}@")))
    port = draw(st.one_of(st.just(""), PORT.map(lambda number: f":{number}")))
    return f"{draw(st.sampled_from(('sip', 'sips')))}:{user}{draw(HOST)}{port}"


@st.composite
def valid_sip(draw: st.DrawFn, aim: Aim | None = None, methods: tuple[str, ...] = METHODS) -> bytes:
    """Requests that RFC 3261 allows: for ``aim``'s lab when there is one, with odd but good headers."""
    method = draw(st.sampled_from(methods))
    if aim is None:
        aim = Aim(
            registrar=f"sip:{draw(HOST)}", user=draw(uris()), callee=draw(uris()), sent_by=f"{draw(HOST)}:{draw(PORT)}"
        )
    draft = Draft(method, aim)
    place = draft.find("From")
    draft.lines[place] = f"From: {draw(QUOTED)} <{aim.user}>;tag={draw(TOKEN)}"
    draft.lines[draft.find("CSeq")] = f"CSeq: {draw(st.integers(0, 2**31 - 1))} {method}"
    draft.lines[draft.find("Max-Forwards")] = f"Max-Forwards: {draw(st.integers(1, 255))}"
    draft.lines += draw(st.lists(EXTENSION, max_size=4))
    first, at = draw(st.integers(0, len(draft.lines) - 1)), draw(st.integers(0, len(draft.lines) - 1))
    draft.lines = draft.lines[first:] + draft.lines[:first]  # in another order: quicker than a permutation
    draft.lines.insert(at, draft.lines.pop())
    if draw(st.booleans()):
        draft.content = draw(st.binary(max_size=200))
        draft.lines.append("Content-Type: application/octet-stream")
    return draft.to_bytes()


@st.composite
def nearly_valid_sip(draw: st.DrawFn, aim: Aim | None = None, methods: tuple[str, ...] = METHODS) -> bytes:
    """Requests with one element broken, by the classes of :mod:`imsproof.fuzzing.anomalies`."""
    choices = _choices(draw(st.sampled_from(methods)))
    return draw(st.sampled_from(choices)).message(aim or Aim())


_KNOWN: dict[str, list[Anomaly]] = {}


def _choices(method: str) -> list[Anomaly]:
    if method not in _KNOWN:
        _KNOWN[method] = list(anomalies((method,)))
    return _KNOWN[method]


@st.composite
def security_client(draw: st.DrawFn) -> bytes:
    """Values of Security-Client: one or a few mechanisms that RFC 3329 and TS 33.203 Annex H allow."""
    spis = draw(st.lists(st.integers(256, 2**32 - 1), min_size=2, max_size=2, unique=True))
    ports = draw(st.lists(st.integers(1024, 65535), min_size=2, max_size=2, unique=True))
    ipsec = SecMechanism(
        "ipsec-3gpp",
        draw(st.sampled_from((None, "0.1", "0.5", "1.0"))),
        {
            "alg": draw(st.sampled_from(("hmac-sha-1-96", "hmac-md5-96", "aes-gmac", "null"))),
            "ealg": draw(st.sampled_from(("aes-cbc", "aes-gcm", "null"))),
            "spi-c": str(spis[0]),
            "spi-s": str(spis[1]),
            "port-c": str(ports[0]),
            "port-s": str(ports[1]),
        },
    )
    more = draw(st.lists(st.sampled_from((SecMechanism("tls"), SecMechanism("tls", "0.3"))), max_size=1))
    return format_mechanisms([ipsec, *more]).encode()


nearly_security_client = edited(security_client())
"""Security-Client with a few places broken."""


@st.composite
def agreeing_sip(draw: st.DrawFn, aim: Aim | None = None, values: st.SearchStrategy[bytes] | None = None) -> bytes:
    """REGISTERs that ask for a security agreement; ``values`` makes their Security-Client, a valid one by default."""
    draft = Draft("REGISTER", aim or Aim())
    value = draw(values or security_client()).decode("utf-8", "surrogateescape")
    draft.lines += ["Require: sec-agree", "Proxy-Require: sec-agree", f"Security-Client: {value}"]
    return draft.to_bytes()
