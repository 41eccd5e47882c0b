"""What ``imsproof fuzz`` and ``triage`` send to: a face of a lab, made from its profile, and how the lab comes back."""

from __future__ import annotations

import os
import random
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Literal

from hypothesis import strategies as st

from imsproof import paths
from imsproof.actors.liveness import another_source
from imsproof.actors.nf import NfConsumer
from imsproof.actors.producerclient import ProducerClient
from imsproof.actors.torturer import Torturer
from imsproof.bench import Bench
from imsproof.catalogue import TestPurpose
from imsproof.commands.common import Exit, err, quit_with, read_profile
from imsproof.fuzzing.channels import Channel, DcepMessages, DtlsRecords, MsrpMessages, SctpChunks
from imsproof.fuzzing.datagrams import NgOffers, StunServer
from imsproof.fuzzing.doors import GmSdp
from imsproof.fuzzing.forward import GmForward
from imsproof.fuzzing.gmsip import GmSip
from imsproof.fuzzing.gmstream import GmStream
from imsproof.fuzzing.health import Hooks
from imsproof.fuzzing.media import MediaPackets
from imsproof.fuzzing.producer import SbiBodies, SbiFrames, SbiTokens
from imsproof.fuzzing.search import levels_of
from imsproof.fuzzing.strategies import Levels, agreeing_sip, edited, nearly_valid_sip, valid_sip
from imsproof.fuzzing.target import MARK, Target, UdpTarget
from imsproof.fuzzing.watch import PATIENCE, Watch
from imsproof.lab.launch import LaunchError, RunningLab, launch
from imsproof.link.session import Link
from imsproof.profile import Profile
from imsproof.seams import InconclusiveError, Record

RESTART_SECONDS = 60.0
EMBEDDED_PATIENCE = 0.5
CAMPAIGN = TestPurpose("FUZZ-01", "FUZZ", "A campaign", (), (), (), ())
"""In whose name a campaign's bench works."""


class TargetName(StrEnum):
    """What can be fuzzed."""

    GM_SIP = "gm-sip"
    GM_TCP = "gm-tcp"
    GM_TLS = "gm-tls"
    GM_SDP = "gm-sdp"
    GM_FORWARD = "gm-forward"
    SBI = "sbi"
    SBI_JSON = "sbi-json"
    SBI_TOKEN = "sbi-token"  # noqa: S105 - no password
    DTLS = "dtls"
    SCTP = "sctp"
    DCEP = "dcep"
    MSRP = "msrp"
    RTP = "rtp"
    NG = "ng"
    STUN = "stun"


DATAGRAMS = (TargetName.GM_SIP, TargetName.NG, TargetName.STUN)
"""Targets whose cases are datagrams, so that many go out between two looks at the lab."""


SIP = (TargetName.GM_SIP, TargetName.GM_TCP, TargetName.GM_TLS)
"""Targets that take any SIP message, and so the named anomalies."""


CHANNELS: dict[TargetName, type[Channel]] = {
    TargetName.DTLS: DtlsRecords,
    TargetName.SCTP: SctpChunks,
    TargetName.DCEP: DcepMessages,
    TargetName.MSRP: MsrpMessages,
}
"""Targets behind an offered data channel."""


@dataclass(slots=True)
class Ground:
    """A lab, its profile and the link to it.

    Attributes:
        lab: the embedded lab, or ``None`` for one of the user's own.
        declared: the profile.
        link: the door to it.
    """

    lab: RunningLab | None
    declared: Profile
    link: Link


def ground(stack: ExitStack, profile: Path | None, faults: list[str]) -> Ground:
    """Read the profile and open the link; without a profile, start the embedded lab with these faults."""
    lab = _lab(stack, faults) if profile is None else None
    declared = read_profile(profile or paths.profiles() / "reference.yaml")
    link = Link(scope_allows=declared.scope.allows, limits=declared.limits, timers=declared.timers)
    stack.callback(link.close)
    return Ground(lab, declared, link)


def _lab(stack: ExitStack, faults: list[str]) -> RunningLab:
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="imsproof-lab-"))
    try:
        lab = stack.enter_context(launch(Path(folder), faults=faults))
    except (LaunchError, OSError) as error:
        quit_with(Exit.UNREACHABLE, f"the embedded lab did not start: {error}")
    os.environ.update(lab.environment)
    err.print(f"embedded reference lab on {lab.prefix}.0/24", markup=False)
    return lab


def make_target(stack: ExitStack, name: TargetName, where: Ground, seed: int) -> Target:
    """Make the target of a campaign (``InconclusiveError`` when the profile does not give it)."""
    declared = where.declared
    work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imsproof-fuzz-")))
    bench = Bench(declared, CAMPAIGN, where.link, work, seed)
    stack.callback(bench.close)
    face: Target
    if name in {TargetName.NG, TargetName.STUN}:
        face = _datagrams(name, bench, seed)
    elif name in {TargetName.SBI, TargetName.SBI_JSON, TargetName.SBI_TOKEN}:
        face = _producer(name, bench)
    elif name is TargetName.RTP:
        face = MediaPackets(bench.session, bench.media())
    elif name in CHANNELS:
        face = CHANNELS[name](bench.session, bench.data_channel_peer())
    elif name in {TargetName.GM_TCP, TargetName.GM_TLS}:
        face = _stream(bench, "tcp" if name is TargetName.GM_TCP else "tls", seed)
    else:
        front = _front(bench, seed)
        face = front if name is TargetName.GM_SIP else _behind(name, bench, front)
    stack.callback(face.close)
    return face


def _producer(name: TargetName, bench: Bench) -> Target:
    producer = bench.producer()
    consumer = NfConsumer(bench.session, bench.sbi)
    where = (producer.url.host, producer.url.port)
    other = another_source(bench.session, where, bench.profile.tester.addresses)
    second = bench.session.link.session(Record("elsewhere"), source=other) if other else None
    elsewhere = NfConsumer(second, bench.sbi) if second else None
    if name is TargetName.SBI:
        return SbiFrames(consumer, producer, elsewhere)
    kind = SbiBodies if name is TargetName.SBI_JSON else SbiTokens
    return kind(ProducerClient(consumer, producer), ProducerClient(elsewhere, producer) if elsewhere else None)


def _datagrams(name: TargetName, bench: Bench, seed: int) -> UdpTarget:
    declared = bench.profile
    address = declared.fuzz.ng if name is TargetName.NG else declared.fuzz.stun
    if address is None:
        raise InconclusiveError(f"the profile gives no fuzz.{name}")
    chance = random.Random(f"{seed}:{name}")  # noqa: S311 - repeatable on purpose
    kind = NgOffers if name is TargetName.NG else StunServer
    other = another_source(bench.session, address, declared.tester.addresses)
    return kind(bench.session, address, chance, other=other, within=declared.timers.answer)


def _front(bench: Bench, seed: int) -> GmSip:
    declared = bench.profile
    chance = random.Random(f"{seed}:probes")  # noqa: S311 - repeatable on purpose
    torturer = Torturer(bench.session, bench.gm, chance, transport="udp")
    return GmSip(
        bench.session,
        torturer.target,
        torturer.aim,
        chance,
        other=another_source(bench.session, torturer.target, declared.tester.addresses),
        within=declared.timers.answer,
    )


def _stream(bench: Bench, transport: Literal["tcp", "tls"], seed: int) -> GmStream:
    chance = random.Random(f"{seed}:probes")  # noqa: S311 - repeatable on purpose
    torturer = Torturer(bench.session, bench.gm, chance, transport=transport)
    other = another_source(bench.session, torturer.target, bench.profile.tester.addresses)
    return GmStream(torturer, transport, chance, other=other)


def _behind(name: TargetName, bench: Bench, front: GmSip) -> Target:
    if name is TargetName.GM_SDP:
        return GmSdp(bench.ue(), _callee(bench), front)
    return GmForward(bench.ue(transport="udp"), bench.ue("ue-b", transport="udp"), front, front.aim("MESSAGE"))


def _callee(bench: Bench) -> str:
    """The lab's own UE where it has one, else another subscriber's identity."""
    if bench.profile.far is not None:
        return bench.far_target()
    return bench.subscribers(1)[0].impu


def levels(face: Target) -> Levels | None:
    """The strategies for a target: SIP is addressed to the lab."""
    if not isinstance(face, GmSip | GmStream):
        return levels_of(face.name)
    call, register = (replace(face.aim(method), token=MARK) for method in ("INVITE", "REGISTER"))
    valid = st.one_of(valid_sip(call), agreeing_sip(register))
    return Levels(valid, st.one_of(nearly_valid_sip(call), edited(valid)))


def look_out(face: Target, where: Ground) -> Watch:
    """What looks at the lab, with the hooks of the profile; the embedded lab does not come back by itself."""
    declared = where.declared.health
    hooks = None if declared is None else Hooks(declared, where.link.session(Record("health")))
    return Watch(face, hooks, patience=EMBEDDED_PATIENCE if where.lab is not None else PATIENCE)


def restore(face: Target, lab: RunningLab | None, command: str | None) -> Callable[[], bool] | None:
    """How to bring a lab back: the embedded one is reset, another one by its command."""
    if lab is not None:

        def reset() -> bool:
            try:
                lab.reset()
            except LaunchError:
                return False
            face.renew()
            return face.probe().serves

        return reset
    if command is None:
        return None

    def restart() -> bool:
        health = face.probe()
        if health.serves:
            return True
        subprocess.run(shlex.split(command), check=False, timeout=RESTART_SECONDS)  # noqa: S603 - the user's own command
        end = time.monotonic() + RESTART_SECONDS
        while time.monotonic() < end:
            if face.probe().serves:
                face.renew()
                return True
            time.sleep(0.1)
        return False

    return restart
