"""The tester's own datagrams on their way."""

from __future__ import annotations

from imsproof.actors.tamper import FRAGMENT, OVERLAP, Intruder, Shredder
from imsproof.codec.dtls import Handshake, Record, handshakes, split_records
from imsproof.engine.dtls import DtlsEngine
from imsproof.engine.identity import make_identity


def test_a_message_comes_in_overlapping_parts_last_one_first() -> None:
    body = bytes(range(256))
    sent = Shredder()(Handshake(11, body, message_seq=2).record().to_bytes())
    parts = [handshakes(split_records(one)[0].fragment)[0] for one in sent]
    assert [part.offset for part in parts] == [192, 96, 0, 0]
    assert all(part.body == body[part.offset : part.offset + len(part.body)] for part in parts)
    assert len(parts[1].body) == FRAGMENT + OVERLAP
    assert [split_records(one)[0].sequence for one in sent] == [0, 1, 2, 3]


def test_hellos_and_protected_records_stay_whole() -> None:
    shredder = Shredder()
    hello = Handshake(1, bytes(300)).record().to_bytes()
    protected = Record(22, bytes(300), epoch=1, sequence=9).to_bytes()
    assert shredder(hello) == [hello]
    assert shredder(protected) == [protected]
    assert split_records(shredder(Record(20, b"\1").to_bytes())[0])[0].sequence == 1


def test_openssl_puts_the_parts_together() -> None:
    client, server = DtlsEngine("client", make_identity()), DtlsEngine("server", make_identity())
    shredder = Shredder()
    client.start()
    for _ in range(10):
        for datagram in client.outgoing():
            for part in shredder(datagram):
                server.receive(part)
        for datagram in server.outgoing():
            client.receive(datagram)
    assert (client.state, server.state) == ("connected", "connected")


def test_an_intruder_follows_what_is_in_clear_only() -> None:
    intruder = Intruder([b"intruding"])
    hello = Handshake(1, bytes(30)).record().to_bytes()
    protected = Record(22, bytes(30), epoch=1, sequence=9).to_bytes()
    assert intruder(hello) == [hello, b"intruding"]
    assert intruder(protected) == [protected]


def test_lost_parts_come_with_the_next_flight() -> None:
    shredder = Shredder(losing=True)
    message = Handshake(11, bytes(range(256)), message_seq=2).record().to_bytes()
    first, second = shredder(message), shredder(message)
    assert (len(first), len(second)) == (1, 3)
    parts = [handshakes(record.fragment)[0] for one in second for record in split_records(one)]
    assert b"".join(part.body for part in parts) == bytes(range(256))
