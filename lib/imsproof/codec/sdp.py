"""SDP as ordered lines, without loss (RFC 8866), and the attributes that secure media: fingerprint, crypto, dcmap.

A description that is parsed and written again is the same bytes; a line that is changed leaves the others as
they were. Values that are wrong on purpose may be set anywhere.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from imsproof.codec.sipaddress import quote, split_quoted, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

DATA_CHANNEL_PROTO = "UDP/DTLS/SCTP"
DATA_CHANNEL_FORMAT = "webrtc-datachannel"


class SdpSyntaxError(ValueError):
    """A line does not have the form that its type asks for; the text says what was found."""


class SdpLine:
    """One line with its bytes.

    Attributes:
        raw: the line and its line end.
        type: the letter before ``=``; empty when the line has no such form.
        value: what follows, without the line end.
    """

    __slots__ = ("raw", "type", "value")

    def __init__(self, raw: bytes) -> None:
        """Take the line's bytes as they are."""
        self.raw = raw
        text = raw.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
        self.type, self.value = (text[0], text[2:]) if text[1:2] == "=" else ("", text)

    @classmethod
    def make(cls, kind: str, value: str) -> Self:
        """Write a line."""
        return cls(f"{kind}={value}\r\n".encode("utf-8", "surrogateescape"))

    def attribute(self) -> tuple[str, str]:
        """Name and value of an ``a=`` line; two empty texts for other lines."""
        if self.type != "a":
            return "", ""
        name, _, value = self.value.partition(":")
        return name, value.strip()

    def __repr__(self) -> str:
        """Show the line."""
        return f"SdpLine({self.raw!r})"


class Section:
    """The session part, or what belongs to one media line: lines in order."""

    def __init__(self, lines: Iterable[SdpLine] = ()) -> None:
        """Take the lines that belong here."""
        self.lines = list(lines)

    def attr(self, name: str) -> str | None:
        """Return the first attribute of this name; ``""`` for one without value, ``None`` when it is not there."""
        return next((value for found, value in map(SdpLine.attribute, self.lines) if found == name), None)

    def attrs(self, name: str) -> list[str]:
        """Return all attributes of this name."""
        return [value for found, value in map(SdpLine.attribute, self.lines) if found == name]

    def add_attr(self, name: str, value: str = "") -> None:
        """Add an attribute as the last line."""
        self.lines.append(_attribute(name, value))

    def set_attr(self, name: str, value: str = "") -> None:
        """Put an attribute in the place of the first of its name; further ones go; none: it is added last."""
        places = [place for place, line in enumerate(self.lines) if line.attribute()[0] == name]
        if not places:
            self.add_attr(name, value)
            return
        self.lines[places[0]] = _attribute(name, value)
        for place in reversed(places[1:]):
            del self.lines[place]

    def remove_attr(self, name: str) -> None:
        """Remove every attribute of this name."""
        self.lines = [line for line in self.lines if line.attribute()[0] != name]

    def value(self, kind: str) -> str | None:
        """Return the value of the first line of this type."""
        return next((line.value for line in self.lines if line.type == kind), None)

    def set_value(self, kind: str, value: str) -> None:
        """Put a line in the place of the first of its type; none: it is inserted after the first line."""
        line = SdpLine.make(kind, value)
        place = next((at for at, old in enumerate(self.lines) if old.type == kind), None)
        if place is None:
            self.lines.insert(1, line)
        else:
            self.lines[place] = line

    @property
    def connection(self) -> str | None:
        """The address of the ``c=`` line of this section, without TTL; ``None`` when it has none."""
        words = (self.value("c") or "").split()
        return words[2].partition("/")[0] if len(words) > 2 else None

    @connection.setter
    def connection(self, address: str) -> None:
        self.set_value("c", connection_value(address))


class MediaSection(Section):
    """One ``m=`` line and the lines after it."""

    def _words(self) -> list[str]:
        return self.lines[0].value.split()

    def _set_word(self, place: int, text: str) -> None:
        words = self._words()
        words[place:] = [text, *words[place + 1 :]]
        self.lines[0] = SdpLine.make("m", " ".join(words))

    @property
    def kind(self) -> str:
        """``audio``, ``video``, ``application``, ``message`` ... (empty when the line is)."""
        return next(iter(self._words()), "")

    @property
    def port(self) -> int:
        """The port; 0 is a refused media line; -1 when what stands there is not a port number."""
        words = self._words()
        text = words[1].partition("/")[0] if len(words) > 1 else ""
        return int(text) if re.fullmatch(r"[0-9]{1,5}", text) and int(text) < 65536 else -1

    @port.setter
    def port(self, port: int) -> None:
        self._set_word(1, str(port))

    @property
    def proto(self) -> str:
        """The transport, e.g. ``RTP/SAVP``."""
        words = self._words()
        return words[2] if len(words) > 2 else ""

    @proto.setter
    def proto(self, proto: str) -> None:
        self._set_word(2, proto)

    @property
    def formats(self) -> list[str]:
        """Payload types or the data channel's format."""
        return self._words()[3:]

    @property
    def is_data_channel(self) -> bool:
        """Whether this is a data channel over UDP (RFC 8841)."""
        return (self.kind, self.proto.upper()) == ("application", DATA_CHANNEL_PROTO)

    @property
    def dcmaps(self) -> list[Dcmap]:
        """The data channels that the section maps; ones that cannot be read are left out."""
        found = []
        for text in self.attrs("dcmap"):
            try:
                found.append(Dcmap.parse(text))
            except SdpSyntaxError:
                continue
        return found


class Sdp:
    """A session description."""

    def __init__(self, session: Section, media: list[MediaSection]) -> None:
        """Put a description together from its sections."""
        self.session = session
        self.media = media

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read any bytes; nothing is refused. Lines end with CRLF or LF."""
        session, media = Section(), list[MediaSection]()
        current: Section = session
        for line in map(SdpLine, _split(data)):
            if line.type == "m":
                current = MediaSection()
                media.append(current)
            current.lines.append(line)
        return cls(session, media)

    @property
    def lines(self) -> list[SdpLine]:
        """All lines in order."""
        return [line for section in (self.session, *self.media) for line in section.lines]

    def to_bytes(self) -> bytes:
        """Return the description as it is sent."""
        return b"".join(line.raw for line in self.lines)

    def copy(self) -> Self:
        """Return a description that can be changed without changing this one."""
        return type(self)(Section(self.session.lines), [MediaSection(section.lines) for section in self.media])

    def address(self, media: Section) -> str | None:
        """The address that holds for a media section: its own, or the session's."""
        return media.connection or self.session.connection

    def data_channel(self) -> MediaSection | None:
        """The first media section that is a data channel."""
        return next((section for section in self.media if section.is_data_channel), None)

    def first(self, kind: str) -> MediaSection | None:
        """The first media section of this kind."""
        return next((section for section in self.media if section.kind == kind), None)


def _split(data: bytes) -> list[bytes]:
    return [line for line in re.split(rb"(?<=\n)", data) if line]


def _attribute(name: str, value: str) -> SdpLine:
    return SdpLine.make("a", f"{name}:{value}" if value else name)


def effective(description: Sdp, name: str, media: Section) -> str | None:
    """Return the attribute that holds for a media section: its own before the session's."""
    own = media.attr(name)
    return own if own is not None else description.session.attr(name)


def connection_value(address: str) -> str:
    """Write the value of a ``c=`` line, or the end of an ``o=`` line."""
    return f"IN {'IP6' if ':' in address else 'IP4'} {address}"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """``a=fingerprint`` (RFC 8122): hash name as written and value as upper-case octets with colons."""

    hash: str
    value: str

    def __str__(self) -> str:
        """Write the attribute's value."""
        return f"{self.hash} {self.value}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``SHA-256 AA:BB:...`` (``SdpSyntaxError`` when it is not of that form)."""
        match = re.fullmatch(r"\s*([A-Za-z0-9-]+)\s+([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*)\s*", text)
        if match is None:
            raise SdpSyntaxError(f"{text[:80]!r} is not a fingerprint (hash, space, octets with colons)")
        return cls(match[1], match[2].upper())


@dataclass(frozen=True, slots=True)
class Crypto:
    """``a=crypto`` (RFC 4568), by its first inline key.

    Attributes:
        tag: number that the answer repeats.
        suite: e.g. ``AES_CM_128_HMAC_SHA1_80``.
        key_b64: base64 of master key and salt.
        params: all that follows the key as written: ``|lifetime|MKI:length``, further keys, session parameters.
    """

    tag: int
    suite: str
    key_b64: str
    params: str = ""

    def __str__(self) -> str:
        """Write the attribute's value."""
        return f"{self.tag} {self.suite} inline:{self.key_b64}{self.params}"

    def master(self) -> bytes:
        """Return master key and salt; padding may be left out (RFC 4568 6.1) (``SdpSyntaxError``: not base64)."""
        return _inline(self.key_b64)

    def masters(self) -> list[tuple[bytes, bytes]]:
        """Each master key and salt of the line with its MKI, ``b""`` for none (``SdpSyntaxError``: not base64)."""
        written = f"inline:{self.key_b64}{self.params}".split(None, 1)[0].split(";")
        found = []
        for one in written:
            key, *rest = one.partition(":")[2].split("|")
            mki = next((re.fullmatch(r"([0-9]{1,400}):([0-9]{1,3})", part) for part in rest if ":" in part), None)
            number, size = (int(mki[1]), int(mki[2])) if mki else (0, 0)
            if size > _MKI_SIZE or number >> 8 * size:
                raise SdpSyntaxError(f"{number} is no MKI of {size} bytes")
            found.append((_inline(key), number.to_bytes(size)))
        return found

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the attribute's value (``SdpSyntaxError`` when it is not of that form)."""
        match = re.fullmatch(r"\s*([0-9]{1,9})\s+(\S+)\s+inline:([A-Za-z0-9+/=]+)(.*?)\s*", text, re.DOTALL)
        if match is None:
            raise SdpSyntaxError("the crypto attribute is not of the form: tag, suite, inline:key")
        return cls(int(match[1]), match[2], match[3], match[4])


_MKI_SIZE = 128


def _inline(key: str) -> bytes:
    text = key.rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError as error:
        raise SdpSyntaxError(f"the inline key is not base64: {error}") from error


@dataclass(frozen=True, slots=True)
class Dcmap:
    """``a=dcmap`` (RFC 8864): stream id and parameters (label, subprotocol, ordered ...), unquoted."""

    stream: int
    params: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Write the attribute's value; label and subprotocol are quoted."""
        params = ";".join(
            f"{name}={quote(value) if name in ('label', 'subprotocol') else value}"
            for name, value in self.params.items()
        )
        return f"{self.stream} {params}" if params else str(self.stream)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the attribute's value (``SdpSyntaxError`` when there is no stream id from 0 to 65535)."""
        stream, _, rest = text.strip().partition(" ")
        if not re.fullmatch(r"[0-9]{1,5}", stream) or int(stream) > 65535:
            raise SdpSyntaxError(f"{text[:80]!r} has no stream id from 0 to 65535")
        params = {}
        for part in split_quoted(rest, ";"):
            name, equals, value = part.partition("=")
            if equals:
                params[name.strip().lower()] = unquote(value.strip())
        return cls(int(stream), params)


BOOTSTRAP = Dcmap(0, {"subprotocol": "http"})
"""The bootstrap data channel of the local network provider (TS 26.114 6.2.10, secondary)."""


def description(address: str, media: Iterable[MediaSection], *, session_id: int = 1, version: int = 1) -> Sdp:
    """Write a description with the usual session lines around media sections."""
    lines = [
        SdpLine.make("v", "0"),
        SdpLine.make("o", f"- {session_id} {version} {connection_value(address)}"),
        SdpLine.make("s", "-"),
        SdpLine.make("c", connection_value(address)),
        SdpLine.make("t", "0 0"),
    ]
    return Sdp(Section(lines), list(media))


def audio_section(
    port: int,
    *,
    proto: str = "RTP/AVP",
    address: str | None = None,
    crypto: Iterable[Crypto] = (),
    fingerprints: Iterable[Fingerprint] = (),
    setup: str | None = None,
    tls_id: str | None = None,
    attributes: Iterable[str] = (),
) -> MediaSection:
    """Write an audio section (PCMU, PCMA); ``attributes`` are further ``a=`` values such as ``3ge2ae:requested``."""
    lines = [SdpLine.make("m", f"audio {port} {proto} 0 8")]
    if address is not None:
        lines.append(SdpLine.make("c", connection_value(address)))
    section = MediaSection(lines)
    section.add_attr("rtpmap", "0 PCMU/8000")
    section.add_attr("rtpmap", "8 PCMA/8000")
    for line in crypto:
        section.add_attr("crypto", str(line))
    _add_dtls(section, fingerprints, setup, tls_id)
    for attribute in attributes:
        section.lines.append(SdpLine.make("a", attribute))
    return section


def data_channel_section(  # noqa: PLR0913 - the fields of a media line
    port: int,
    *,
    fingerprints: Iterable[Fingerprint],
    setup: str = "actpass",
    tls_id: str | None = None,
    sctp_port: int = 5000,
    max_message_size: int | None = 65536,
    dcmaps: Iterable[Dcmap] = (BOOTSTRAP,),
    address: str | None = None,
    bandwidth: int = 500,
    attributes: Iterable[str] = (),
) -> MediaSection:
    """Write a data-channel section (RFC 8841, RFC 8864; TS 26.114 6.2.10); bandwidth in kbit/s."""
    lines = [SdpLine.make("m", f"application {port} {DATA_CHANNEL_PROTO} {DATA_CHANNEL_FORMAT}")]
    if address is not None:
        lines.append(SdpLine.make("c", connection_value(address)))
    lines.append(SdpLine.make("b", f"AS:{bandwidth}"))
    section = MediaSection(lines)
    if max_message_size is not None:
        section.add_attr("max-message-size", str(max_message_size))
    section.add_attr("sctp-port", str(sctp_port))
    _add_dtls(section, fingerprints, setup, tls_id)
    for dcmap in dcmaps:
        section.add_attr("dcmap", str(dcmap))
    for attribute in attributes:
        section.lines.append(SdpLine.make("a", attribute))
    return section


def _add_dtls(section: Section, fingerprints: Iterable[Fingerprint], setup: str | None, tls_id: str | None) -> None:
    if setup is not None:
        section.add_attr("setup", setup)
    for fingerprint in fingerprints:
        section.add_attr("fingerprint", str(fingerprint))
    if tls_id is not None:
        section.add_attr("tls-id", tls_id)


def audio_offer(address: str, port: int, *, proto: str = "RTP/AVP", crypto: Iterable[Crypto] = ()) -> Sdp:
    """Write an offer of audio alone."""
    return description(address, [audio_section(port, proto=proto, crypto=crypto)])


def data_channel_offer(  # noqa: PLR0913 - the fields of an offer
    address: str,
    port: int,
    *,
    fingerprints: Iterable[Fingerprint],
    setup: str = "actpass",
    tls_id: str | None = None,
    sctp_port: int = 5000,
    max_message_size: int | None = 65536,
    dcmaps: Iterable[Dcmap] = (BOOTSTRAP,),
    audio_port: int | None = None,
) -> Sdp:
    """Write an offer of data channels, after an audio line when ``audio_port`` is given (TS 26.114 6.2.10 order)."""
    channels = data_channel_section(
        port,
        fingerprints=fingerprints,
        setup=setup,
        tls_id=tls_id,
        sctp_port=sctp_port,
        max_message_size=max_message_size,
        dcmaps=dcmaps,
    )
    audio = [] if audio_port is None else [audio_section(audio_port)]
    return description(address, [*audio, channels])
