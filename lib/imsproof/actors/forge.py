"""Datagrams and SCTP packets that are wrong on purpose, by name: what is sent into an association that stands.

Each maker gets what it needs of the genuine traffic and returns bytes; nothing here sends. The names are those that
test purposes and the lab's planted faults use.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from imsproof.codec import sctp
from imsproof.codec.dcep import PPID_DCEP, PPID_STRING, Open
from imsproof.codec.dtls import CLIENT_HELLO, DTLS_1_2, Handshake, Record, split_records
from imsproof.codec.tlshello import ALERT, APPLICATION_DATA, HANDSHAKE, Alert

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.engine.rawsctp import RawSctp

FATAL, WARNING = 2, 1
HANDSHAKE_FAILURE, CLOSE_NOTIFY = 40, 0
TAG_REFLECTED = 1
"""The T bit: the tag is said to be the receiver's other one (RFC 9260 sections 3.3.7 and 8.5.1); here it is neither."""
FAR_AHEAD = 100_000
"""Added to a record's number, so that no window has seen it."""
LARGEST = (1 << 24) - 1


def clear_record(content_type: int, fragment: bytes, *, sequence: int = FAR_AHEAD) -> bytes:
    """A record of epoch 0, which is in clear."""
    return Record(content_type, fragment, epoch=0, sequence=sequence).to_bytes()


def clear_alert(description: int, level: int = FATAL) -> bytes:
    """An alert that nobody authenticated."""
    return clear_record(ALERT, Alert(level, description).to_bytes())


def _protected(genuine: bytes, *, epoch: int = 1, ahead: int = FAR_AHEAD, flip: bool = False) -> bytes:
    record = split_records(genuine)[0]
    fragment = bytes((*record.fragment[:-1], record.fragment[-1] ^ 1)) if flip else record.fragment
    return replace(record, epoch=epoch, sequence=record.sequence + ahead, fragment=fragment).to_bytes()


def _bad_mac(genuine: bytes, _hello: bytes) -> list[bytes]:
    return [_protected(genuine, flip=True), _protected(genuine, ahead=1, flip=True), _protected(genuine)]


def _replayed(genuine: bytes, _hello: bytes) -> list[bytes]:
    return [genuine] * 3


def _alerts(_genuine: bytes, _hello: bytes) -> list[bytes]:
    return [clear_alert(HANDSHAKE_FAILURE), clear_alert(CLOSE_NOTIFY, WARNING), clear_alert(CLOSE_NOTIFY)]


def _hello_again(_genuine: bytes, hello: bytes) -> list[bytes]:
    record = split_records(hello)[0]
    return [hello, replace(record, sequence=FAR_AHEAD).to_bytes()]


def _other_epochs(genuine: bytes, _hello: bytes) -> list[bytes]:
    return [_protected(genuine, epoch=2), _protected(genuine, epoch=65535)]


def _odd_records(genuine: bytes, _hello: bytes) -> list[bytes]:
    return [
        Record(99, b"\0" * 16, epoch=1, sequence=FAR_AHEAD).to_bytes(),
        Record(APPLICATION_DATA, b"", epoch=1, sequence=FAR_AHEAD + 1).to_bytes(),
        Record(APPLICATION_DATA, b"\0" * 16, epoch=1, sequence=FAR_AHEAD + 2, length=4096).to_bytes(),
        genuine[:9],
        bytes((APPLICATION_DATA,)),
    ]


def _huge_handshake(_genuine: bytes, _hello: bytes) -> list[bytes]:
    message = Handshake(CLIENT_HELLO, b"\0" * 64, message_seq=9, offset=LARGEST - 64, total=LARGEST)
    return [clear_record(HANDSHAKE, message.to_bytes(), sequence=FAR_AHEAD + number) for number in range(8)]


RECORDS: dict[str, tuple[str, Callable[[bytes, bytes], list[bytes]]]] = {
    "bad-record": ("records that fail authentication", _bad_mac),
    "replayed-record": ("a record that was taken already, three times", _replayed),
    "clear-alert": ("fatal alert and close_notify in clear", _alerts),
    "hello-again": ("the ClientHello of this association, again", _hello_again),
    "future-epoch": ("records of epochs that were never begun", _other_epochs),
    "odd-records": ("records of unknown type, empty, cut short", _odd_records),
    "huge-handshake": ("a handshake message that declares 16 MB", _huge_handshake),
}
"""Kind to what it is called, and its maker from (a genuine protected datagram, the first ClientHello)."""


def first_init(ports: tuple[int, int]) -> bytes:
    """The INIT with which an association begins, from and to these SCTP ports."""
    return sctp.Packet(*ports, 0, (sctp.init_chunk(0x13579BDF, 1),)).to_bytes()


def huge_hello() -> list[bytes]:
    """First flight of a client whose hello declares 16 MB and never ends."""
    parts = [
        Handshake(CLIENT_HELLO, b"\xfe\xfd" + b"\0" * 1000, message_seq=0, offset=at * 1002, total=LARGEST)
        for at in range(16)
    ]
    return [part.record(version=DTLS_1_2, sequence=number).to_bytes() for number, part in enumerate(parts)]


def _with_parameter(kind: int, length: int) -> bytes:
    return kind.to_bytes(2, "big") + length.to_bytes(2, "big") + bytes(8)


def _alone(chunk: sctp.Chunk) -> Callable[[RawSctp], list[bytes]]:
    return lambda association: [association.packet(chunk).to_bytes()]


def _wrong_tag(chunk: sctp.Chunk) -> Callable[[RawSctp], list[bytes]]:
    def make(association: RawSctp) -> list[bytes]:
        tags = (association.peer_tag ^ 0x5A5A5A5A, association.tag ^ 0x0F0F0F0F, 0)
        forms = (chunk, replace(chunk, flags=TAG_REFLECTED))
        return [association.packet(form, tag=tag).to_bytes() for form in forms for tag in tags]

    return make


def _init_again(association: RawSctp) -> list[bytes]:
    return [
        association.packet(sctp.init_chunk(association.tag ^ number, association.tsn ^ number), tag=0).to_bytes()
        for number in range(1, 33)
    ]


def _forward(association: RawSctp) -> list[bytes]:
    streams = b"".join(stream.to_bytes(2, "big") + b"\xff\xff" for stream in range(200))
    jumps = (1 << 20, (1 << 31) - 2, 1 << 31)
    return [
        association.packet(
            sctp.Chunk(sctp.FORWARD_TSN, ((association.tsn + jump) % (1 << 32)).to_bytes(4, "big") + streams)
        ).to_bytes()
        for jump in jumps
    ]


def _sack_ahead(association: RawSctp) -> list[bytes]:
    value = ((association.acknowledged + (1 << 30)) % (1 << 32)).to_bytes(4, "big") + (1 << 20).to_bytes(4, "big")
    gaps = b"\0\1\0\0\xff\xff\xff\xff"
    return [
        association.packet(sctp.Chunk(sctp.SACK, value + bytes(4))).to_bytes(),
        association.packet(sctp.Chunk(sctp.SACK, value + gaps)).to_bytes(),
    ]


def _malformed_opens(association: RawSctp) -> list[bytes]:
    opens = (
        Open(b"label", label_length=65535, protocol_length=65535).to_bytes(),
        Open(b"\xff\xfe\x00'\"<script>", b"\xff").to_bytes(),
        Open(b"").to_bytes()[:7],
        b"\x07",
        b"",
    )
    return [
        association.packet(
            association.data_chunk(association.taken_stream(900 + 2 * number), PPID_DCEP, body)
        ).to_bytes()
        for number, body in enumerate(opens)
        if body
    ]


def _hostile_opens(association: RawSctp) -> list[bytes]:
    labels = (b"A" * 8_000, b"\xff\xfe\x00'\"<script>alert(1)</script>", b"../../" * 50, b"%n%s" * 50)
    packets = []
    for number, label in enumerate(labels):
        body = Open(label, b"\x00\r\nHost: other\r\n\r\n").to_bytes()
        chunks = association.data_chunks(association.taken_stream(2000 + number), PPID_DCEP, body)
        packets += [association.packet(chunk).to_bytes() for chunk in chunks]
    return packets


def _unknown_ppids(association: RawSctp) -> list[bytes]:
    ppids = (0, 1, 49, 52, 55, 58, 0x7FFFFFFF, 0xFFFFFFFF)
    chunks = [association.data_chunk(0, ppid, b"payload") for ppid in ppids]
    return [association.packet(chunk).to_bytes() for chunk in chunks]


def oversized(association: RawSctp, size: int) -> list[bytes]:
    """A whole GET that is longer than ``size`` bytes by its last header."""
    head = b"GET / HTTP/1.1\r\nHost: bootstrap\r\nX-Long: "
    body = head + b"A" * (size - len(head)) + b"\r\n\r\n"
    return [association.packet(chunk).to_bytes() for chunk in association.data_chunks(0, PPID_STRING, body)]


def _unfinished(association: RawSctp) -> list[bytes]:
    first = association.packet(association.data_chunk(0, PPID_STRING, b"A" * 1000, flags=sctp.FIRST_FRAGMENT))
    return [
        first.to_bytes(),
        *(
            association.packet(association.data_chunk(0, PPID_STRING, b"A" * 1000, flags=0)).to_bytes()
            for _ in range(300)
        ),
    ]


PACKETS: dict[str, tuple[str, Callable[[RawSctp], list[bytes]]]] = {
    "forged-abort": ("ABORT under wrong verification tags", _wrong_tag(sctp.Chunk(sctp.ABORT))),
    "forged-shutdown": (
        "SHUTDOWN and SHUTDOWN COMPLETE under wrong verification tags",
        lambda association: [
            *_wrong_tag(sctp.Chunk(sctp.SHUTDOWN, bytes(4)))(association),
            *_wrong_tag(sctp.Chunk(sctp.SHUTDOWN_COMPLETE))(association),
        ],
    ),
    "init-again": ("32 INITs in an association that stands", _init_again),
    "zero-length-chunk": (
        "a chunk of length zero, and of three",
        lambda association: [
            association.packet(sctp.Chunk(sctp.HEARTBEAT, bytes(8), length=length)).to_bytes() for length in (0, 3)
        ],
    ),
    "overlong-chunk": (
        "chunks that are longer than their packet",
        lambda association: [
            association.packet(sctp.Chunk(kind, bytes(8), length=0xFFFF)).to_bytes()
            for kind in (sctp.HEARTBEAT, sctp.SACK)
        ],
    ),
    "unknown-chunk": (
        "chunks of unknown types, with each way to treat them",
        lambda association: [
            association.packet(sctp.Chunk(kind, b"unknown")).to_bytes() for kind in (0x3E, 0x7E, 0xBE, 0xFE)
        ],
    ),
    "forward-tsn": ("FORWARD TSN far ahead and backwards, over 200 streams", _forward),
    "re-config-malformed": (
        "RE-CONFIG with parameters of wrong lengths",
        lambda association: [
            association.packet(sctp.Chunk(sctp.RE_CONFIG, _with_parameter(kind, length))).to_bytes()
            for kind in (13, 14, 16, 17, 99)
            for length in (0, 5, 0xFFFF)
        ],
    ),
    "sack-ahead": ("SACK of what was never sent, with gaps that cannot be", _sack_ahead),
    "dcep-malformed": ("DCEP messages that are malformed or hostile", _malformed_opens),
    "dcep-hostile": ("well-formed DATA_CHANNEL_OPENs with hostile labels", _hostile_opens),
    "unknown-ppid": ("messages with payload protocols that nobody knows", _unknown_ppids),
    "data-huge": ("300 kB of fragments without an end", _unfinished),
}
"""Kind to what it is called, and its maker from the association."""
