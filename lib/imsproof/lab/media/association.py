"""One media context of the MF: a UDP socket, one DTLS association on it, SCTP inside, and the channels' servers."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, cast

from imsproof.codec.dcep import DATA_CHANNEL_ACK, PPID_DCEP
from imsproof.codec.rtp import Packets, classify
from imsproof.codec.stun import is_stun
from imsproof.engine.identity import fingerprint, make_identity
from imsproof.engine.sctp import Channel, ChannelClosedError, SctpEngine
from imsproof.lab.dctypes import ANY_FINGERPRINT, DcEndpoint, DcOffer, IceEnd
from imsproof.lab.media import icelite
from imsproof.lab.media.bootstrap import Bootstrap, serve_channel
from imsproof.lab.media.dtlspeer import DtlsPeer, make_engine, matches_any, own_role, usable_fingerprints
from imsproof.lab.media.http1 import serve
from imsproof.lab.media.recordguard import RecordGuard, numbered_again
from imsproof.lab.media.sctpguard import DROPPED, Known, SctpGuard, opened_stream

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from imsproof.engine.ice import IceAgent
    from imsproof.engine.identity import Identity
    from imsproof.lab.media.policy import MediaPolicy
    from imsproof.lab.policy import PolicyBox

BOOTSTRAP_STREAMS = (0, 10, 100, 110)
FAR_STREAMS = (100, 110)
"""Those of the remote side."""
FIRST_APPLICATION_STREAM = 1000
SCTP_PORT = 5000
MAX_MESSAGE_SIZE = 65536
CONSTANT_TLS_ID = "0123456789abcdef0123456789abcdef"
EARLY = frozenset({"early-data", "data-during-handshake"})
"""Application data before there is anything that protects it."""
OTHER = make_identity(name="other")
_MAX_HANDSHAKES = 8


class DcAssociation(asyncio.DatagramProtocol):
    """A media context.

    Args:
        policy: the lab's policy.
        identity: the MF's certificate.
        remote: what the other end offered.
        bootstrap: who answers on the bootstrap channels.

    Raises:
        MediaRefusedError: fingerprint or setup role cannot be accepted.
    """

    def __init__(self, policy: PolicyBox, identity: Identity, remote: DcOffer, bootstrap: Bootstrap) -> None:
        self.remote = remote
        self.dropped = 0
        self.handshakes = 0
        self._policy = policy
        self._identity = identity
        self._bootstrap = bootstrap
        self.far: Bootstrap | None = None
        self._role, self._setup = own_role(remote.setup, self._media.actpass_answer)
        self._fingerprints = self._expected_fingerprints()
        self._tls_id = self._new_tls_id()
        self._ice = self._ice_end()
        self._ice_timer: asyncio.TimerHandle | None = None
        self._target = self._first_target()
        self._tasks: set[asyncio.Task[None]] = set()
        self._channels: dict[int, Channel] = {}
        self._sctp: SctpEngine | None = None
        self._peer: DtlsPeer | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._tcp: asyncio.Server | None = None
        self._closed = asyncio.Event()
        self._records = RecordGuard()
        self._packets = SctpGuard()
        self.dead = False
        self.on_death: Callable[[], None] = lambda: None
        self.all_fingerprints: Callable[[], tuple[str, ...]] = tuple
        self.everybody: Callable[[], tuple[Channel, ...]] = tuple
        self.applications: Callable[[], tuple[Channel, ...]] = tuple
        self._verified = False

    @property
    def _media(self) -> MediaPolicy:
        return self._policy.current.media

    def _expected_fingerprints(self) -> tuple[str, ...]:
        if not self.remote.fingerprint and not self._media.peer_certificate_required:
            return ()
        return usable_fingerprints(self._media, (self.remote.fingerprint,) if self.remote.fingerprint else ())

    # Life

    async def open(self, address: str) -> None:
        """Take a port at ``address``; an active MF begins the handshake."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(address, 0))
        if self._media.apps_over_tcp:
            self._tcp = await asyncio.start_server(
                lambda reader, writer: serve(reader, writer, self._bootstrap.answer), address, self.local.port
            )
        self._new_handshake()
        if self._role == "client" and self._target is not None:
            self._dtls.start()
        self._begin_ice()

    def _first_target(self) -> tuple[str, int] | None:
        """Where the peer is: with ICE nobody knows before a check says so."""
        if self._ice is not None and self._media.ice_consent:
            return self._ice.selected
        return (self.remote.address, self.remote.port)

    @property
    def _dtls(self) -> DtlsPeer:
        assert self._peer is not None
        return self._peer

    @property
    def local(self) -> DcEndpoint:
        """The MF's own end, as SDP describes it."""
        assert self._transport is not None
        address, port = self._transport.get_extra_info("sockname")[:2]
        return DcEndpoint(
            address=address,
            port=port,
            fingerprint=self._announced(),
            setup=self.remote.setup if self._media.mirror_setup else self._setup,
            tls_id=self._tls_id,
            sctp_port=SCTP_PORT,
            max_message_size=MAX_MESSAGE_SIZE,
            ice=IceEnd(self._ice.local.ufrag, self._ice.local.password, lite=self._ice.lite) if self._ice else None,
        )

    def _announced(self) -> str:
        der = OTHER.der if self._media.announces_other_certificate else self._identity.der
        return f"{self._media.answer_hash} {fingerprint(der, self._media.answer_hash)}"

    def _new_tls_id(self) -> str:
        kinds = {"random": secrets.token_hex(16), "short": secrets.token_hex(4), "constant": CONSTANT_TLS_ID}
        return kinds[self._media.tls_id]

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """What the peer's certificate is held against."""
        return self._fingerprints

    @property
    def state(self) -> str:
        """State of the DTLS association."""
        return self._peer.engine.state if self._peer else "new"

    async def update(self, remote: DcOffer) -> None:
        """Take a new offer for the same context: further streams, or a new DTLS association (RFC 8842 section 5.4).

        Raises:
            MediaRefusedError: fingerprint or setup role cannot be accepted; the context stays as it was.
        """
        identity = (remote.fingerprint, remote.tls_id, remote.address, remote.port)
        former, self.remote = self.remote, remote
        restarted = remote.ice != former.ice and self._media.ice_restarts
        if restarted:
            self._ice = self._ice_end()
            self._begin_ice()
        keeps = not restarted or self._media.outlives_ice_restart
        if keeps and identity == (former.fingerprint, former.tls_id, former.address, former.port):
            self._open_channels()
            return
        try:
            fingerprints = self._expected_fingerprints()
            self._role, self._setup = own_role(remote.setup, self._media.actpass_answer)
        except ValueError:
            self.remote = former
            raise
        await self._end_sctp()
        self._dtls.close()
        self._target = self._first_target()
        if not self._media.keep_first_fingerprint:
            self._fingerprints = fingerprints
        self._tls_id, self.handshakes = self._new_tls_id(), 0
        self._verified = False
        self._new_handshake()
        if self._role == "client":
            self._dtls.start()

    async def close(self) -> None:
        """End the association and give the port back."""
        await self._end_sctp()
        if self._peer is not None:
            self._peer.close()
        if self._ice_timer is not None:
            self._ice_timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._bootstrap.close()
        if self.far is not None:
            await self.far.close()
        if self._tcp is not None:
            self._tcp.close()
        if self._transport is not None:
            self._transport.close()
            await self._closed.wait()

    # Datagrams

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket (asyncio calls this)."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def connection_lost(self, _: Exception | None) -> None:
        """Know that the port is free again (asyncio calls this)."""
        self._closed.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a datagram from the address of the SDP; others are dropped in silence."""
        if self.dead:
            return
        source = (addr[0], addr[1])
        if self._ice is not None and is_stun(data):
            self._on_check(self._ice, data, source)
            return
        if source != self._target:
            if self._media.source_checked:
                self.dropped += 1
                self.dead = self.dropped > self._media.strangers_endured > 0
                return
            self._target = source
        if classify(data) is Packets.DTLS:
            self._on_dtls(data)
        elif self._media.clear_sctp_refused:
            self.dropped += 1
        else:
            self._begin_sctp(self._send)
            self._on_sctp(data)

    def _on_check(self, ice: IceAgent, data: bytes, source: tuple[str, int]) -> None:
        if self._dies_of(icelite.kinds(data)) or self._transport is None:
            return
        ice.receive(data, source)
        self._carry_ice(ice)

    def _ice_end(self) -> IceAgent | None:
        if self.remote.ice is None:
            return None
        return icelite.own_end(self._media, self.remote.ice, (self.remote.address, self.remote.port))

    def _begin_ice(self) -> None:
        if self._ice is not None:
            self._ice.start()
            self._carry_ice(self._ice)

    def _carry_ice(self, ice: IceAgent) -> None:
        """Send ICE's checks and answers, follow what was agreed on, and come back when it is time."""
        for datagram, where in ice.outgoing():
            if self._transport is not None and not self._transport.is_closing():
                self._transport.sendto(datagram, where)
        if self._ice_timer is not None:
            self._ice_timer.cancel()
        seconds = ice.timeout()
        if seconds is not None:
            self._ice_timer = asyncio.get_running_loop().call_later(seconds, self._on_ice_timer, ice)
        if ice.selected is None or ice.selected == self._target:
            return
        first, self._target = self._target is None, ice.selected
        if first and self._role == "client":
            self._dtls.start()

    def _on_ice_timer(self, ice: IceAgent) -> None:
        if ice.unanswered >= icelite.CONSENT_CHECKS and self._media.ice_consent_expires:
            self._target = None  # consent is gone: nothing more is sent (RFC 7675 section 5.1)
            return
        ice.handle_timeout()
        self._carry_ice(ice)

    def _send(self, datagram: bytes) -> None:
        if self._target is not None and self._transport is not None and not self._transport.is_closing():
            again = self._media.number_given_twice and self.state == "connected"
            self._transport.sendto(numbered_again(datagram) if again else datagram, self._target)

    # DTLS

    def _new_handshake(self) -> None:
        self.handshakes += 1
        if self._peer is not None:
            self._peer.close()
        self._peer = DtlsPeer(make_engine(self._media, self._role, self._identity, self._verify), self._send)

    def _verify(self, der: bytes) -> bool:
        media = self._media
        again, self._verified = self._verified, True
        if (
            not media.check_fingerprint
            or (again and not media.verify_every_handshake)
            or (self._role == "client" and not media.check_fingerprint_as_client)
            or (media.zero_fingerprint_is_any and ANY_FINGERPRINT in self._fingerprints)
        ):
            return True
        others = self.all_fingerprints() if media.fingerprint_of_any_call else ()
        return matches_any(der, (*self._fingerprints, *others))

    def _on_dtls(self, datagram: bytes) -> None:
        # A handshake that failed must not lock the rightful peer out.
        if self.state == "failed" and self._role == "server" and self.handshakes < _MAX_HANDSHAKES:
            self._new_handshake()
        connected = self.state == "connected"
        kinds = self._records.look(datagram, connected=connected, begun=self.state == "handshaking")
        if self._goes_no_further(datagram, kinds):
            return
        if connected and "hello-again" in kinds and self._media.restarts:
            self._restart()
            connected = False
        received = self._dtls.receive(datagram)
        if connected:
            unread = self._records.took(datagram, received)
            if self._dies_of(unread):
                return
        obeyed = kinds.intersection(self._media.obeys)
        if obeyed:
            received = received + self._records.careless(datagram, obeyed)
        if self.state == "connected":
            self._begin_sctp(self._dtls.write)
        for packet in received:
            self._on_sctp(packet)
        if self.state == "closed":
            self._spawn(self._end_sctp())

    def _goes_no_further(self, datagram: bytes, kinds: set[str]) -> bool:
        """Tell whether a datagram does not come to the DTLS stack."""
        if self._dies_of(kinds) or kinds.intersection(self._media.ignores):
            return True
        if kinds & EARLY:
            self.dropped += 1
            self._on_early_data(datagram, kinds.intersection(self._media.obeys))
        return bool(kinds & EARLY)

    def _on_early_data(self, datagram: bytes, obeyed: set[str]) -> None:
        if not obeyed:
            return
        self._begin_sctp(self._send)
        for packet in self._records.careless(datagram, obeyed):
            self._on_sctp(packet)

    def _restart(self) -> None:
        """Give the association up for a new handshake (planted faults only)."""
        self._spawn(self._end_sctp())
        self._peer = None
        self._new_handshake()

    def _dies_of(self, kinds: set[str]) -> bool:
        """Tell whether a planted fault makes the association, or the whole MF, die of this; if so, it is dead."""
        if kinds.intersection(self._media.node_dies_of):
            self.on_death()
        if not kinds.intersection((*self._media.dies_of, *self._media.node_dies_of)):
            return False
        self.dead = True
        self._spawn(self._end_sctp())
        self._dtls.close()
        return True

    def _refused(self, kind: str) -> None:
        self._dies_of({kind})

    # SCTP and channels

    def _on_sctp(self, packet: bytes) -> None:
        engine = self._sctp
        if engine is None or engine.state == "closed":
            return
        known = Known(
            tag=engine.local_tag,
            local_port=SCTP_PORT,
            remote_port=self.remote.sctp_port,
            established=engine.state == "connected",
            next_tsn=engine.next_tsn,
            streams=frozenset(self._channels),
            max_message=MAX_MESSAGE_SIZE,
            peer_parity=1 if self._role == "client" else 0,
            cookie_seconds=self._media.cookie_seconds,
        )
        kinds = self._packets.look(packet, known)
        if self._dies_of(kinds):
            return
        obeyed = kinds.intersection(self._media.obeys)
        if obeyed & {"open-in-use", "open-wrong-parity", "open-reserved"}:
            acknowledge = engine.send_message(opened_stream(packet), PPID_DCEP, bytes((DATA_CHANNEL_ACK,)))
            self._spawn(acknowledge)
        elif obeyed:
            engine.receive(self._packets.careless(packet, known, obeyed))
        elif not kinds & DROPPED:
            engine.receive(packet)

    def _begin_sctp(self, send: Callable[[bytes], None]) -> None:
        if self._sctp is not None:
            return

        def sending(packet: bytes) -> None:
            self._packets.sent(packet)
            send(packet)

        self._sctp = SctpEngine(
            sending,
            is_client=self._role == "client",
            local_port=SCTP_PORT,
            remote_port=self.remote.sctp_port,
            remote_max_message=self.remote.max_message_size,
        )
        # All channels are agreed in SDP (RFC 8864): one that is opened by DCEP is closed at once.
        self._sctp.on_channel = lambda channel: channel.close()
        self._open_channels()
        self._spawn(self._sctp.start())

    def _open_channels(self) -> None:
        if self._sctp is None:
            return
        for stream in self.remote.streams:
            if stream in self._channels:
                continue
            if stream in BOOTSTRAP_STREAMS:
                channel = self._sctp.open_channel(stream, "bootstrap", "http", negotiated=True)
                largest = self.remote.max_message_size
                whose = self.far if stream in FAR_STREAMS and self.far else self._bootstrap
                self._spawn(serve_channel(channel, whose, largest, self._others, self._refused))
            elif stream >= FIRST_APPLICATION_STREAM:
                channel = self._sctp.open_channel(stream, "application", negotiated=True)
                self._spawn(_echo(channel, self.applications))
            else:
                continue
            self._channels[stream] = channel

    @property
    def bootstrap_channels(self) -> tuple[Channel, ...]:
        """The channels on which the bootstrap pages are served."""
        return tuple(channel for stream, channel in self._channels.items() if stream in BOOTSTRAP_STREAMS)

    @property
    def application_channels(self) -> tuple[Channel, ...]:
        """The channels of applications."""
        return tuple(channel for stream, channel in self._channels.items() if stream >= FIRST_APPLICATION_STREAM)

    def _others(self) -> tuple[Channel, ...]:
        own = self.bootstrap_channels
        return tuple(channel for channel in self.everybody() if channel not in own)

    async def _end_sctp(self) -> None:
        engine, self._sctp = self._sctp, None
        self._channels.clear()
        if engine is not None:
            await engine.close()

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _echo(channel: Channel, everybody: Callable[[], tuple[Channel, ...]]) -> None:
    """The lab's applications on streams from 1000 on answer each message with itself."""
    with contextlib.suppress(ChannelClosedError):
        while True:
            message = await channel.recv(None)
            for one in everybody() or (channel,):
                one.send(message)
