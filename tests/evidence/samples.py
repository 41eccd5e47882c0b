"""Results, events and packets that the tests of evidence and report share."""

from __future__ import annotations

from imsproof.evidence.result import Citation, PurposeResult, Run, RunInfo
from imsproof.seams import Event, Judgement, Kind, Outcome, Role, TapPacket, Verdict

UE = ("127.0.0.1", 5060)
PCSCF = ("127.31.5.10", 5060)
NF = ("127.0.0.1", 40001)
MF = ("127.31.5.50", 8443)
START_NS = 1_760_000_000_000_000_000

REGISTER = (
    b"REGISTER sip:ims.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\n"
    b"From: <sip:a@ims.example>;tag=1\r\nTo: <sip:a@ims.example>\r\nCall-ID: c1\r\nCSeq: 1 REGISTER\r\n"
    b"Content-Length: 0\r\n\r\n"
)
UNAUTHORIZED = REGISTER.replace(b"REGISTER sip:ims.example SIP/2.0", b"SIP/2.0 401 Unauthorized", 1)


def judgement(
    role: Role = Role.CLAIM, outcome: Outcome = Outcome.HOLDS, sentence: str = "the answer was 401"
) -> Judgement:
    """A judgement that names its event."""
    return Judgement("sample.status", 1, role, {"exchange": "1:REGISTER"}, outcome, sentence, (2,))


def result(identity: str = "GM-AKA-02", verdict: Verdict = Verdict.PASS, **fields: object) -> PurposeResult:
    """A result with everything filled in."""
    values: dict[str, object] = {
        "reason": "the network refused, and it had accepted the control",
        "control": "accepted",
        "citations": (Citation("TS 33.203", "6.1", "text"),),
        "faults": ("aka.res_ignored",),
        "expected": "A REGISTER with a wrong RES is refused.",
        "duration_s": 0.25,
        "judgements": (judgement(Role.CONTROL), judgement()),
        "started": "2025-10-09T08:53:20.000000Z",
    }
    values.update(fields)
    family = identity.rpartition("-")[0]
    return PurposeResult(identity, family, "a wrong RES is refused", verdict, **values)  # type: ignore[arg-type]


def run(*results: PurposeResult, finished: bool = True) -> Run:
    """A run with these results."""
    end = "2025-10-09T08:54:20.000000Z" if finished else None
    info = RunInfo("a1b2c3", "reference", "2025-10-09T08:53:20.000000Z", 7, "0.1.0", "5ce8894", "tap", end)
    return Run(info, tuple(item.id for item in results), results)


def event(seq: int, kind: Kind, data: bytes = b"", transport: str = "udp", **facts: object) -> Event:
    """An event of a registering UE, one millisecond after the one before it."""
    return Event(
        seq=seq,
        utc=f"2025-10-09T08:53:20.{seq:03d}000Z",
        mono_ns=5_000_000_000 + seq * 1_000_000,
        actor="ue-a",
        kind=kind,
        exchange="1:REGISTER",
        transport=transport,
        local=UE,
        remote=PCSCF,
        data=data,
        facts=facts,
    )


def register_events() -> list[Event]:
    """A REGISTER over UDP and its 401."""
    return [
        event(1, Kind.SENT, REGISTER, sip="request", method="REGISTER", injected=True),
        event(2, Kind.RECEIVED, UNAUTHORIZED, sip="response", status=401),
    ]


def register_packets() -> list[TapPacket]:
    """The packets of :func:`register_events`."""
    return [
        TapPacket(START_NS + 1_000_000, "udp", UE, PCSCF, REGISTER),
        TapPacket(START_NS + 2_000_000, "udp", PCSCF, UE, UNAUTHORIZED),
    ]
