"""How fast the parts are that everything else waits for: one line a part, operations per second on one core.

The numbers are of this machine at this moment; nothing asserts them. Best of five rounds of about a fifth of a second.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from imsproof.codec.milenage import Milenage
from imsproof.codec.rtp import RtpPacket
from imsproof.codec.sdp import Sdp, audio_offer
from imsproof.codec.sip import Message, request
from imsproof.engine.srtp import SrtpContext
from imsproof.paths import profiles
from imsproof.profile import load

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS, SECONDS = 5, 0.2


def rate(operation: Callable[[], object]) -> float:
    """Operations per second, the best of some rounds."""
    best = 0.0
    for _ in range(ROUNDS):
        count, started = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - started) < SECONDS:
            operation()
            count += 1
        best = max(best, count / elapsed)
    return best


def parts() -> dict[str, Callable[[], object]]:
    """The operations, by what they are called in the table."""
    sdp = audio_offer("192.0.2.1", 5004).to_bytes()
    headers = [
        ("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport"),
        ("From", '"A" <sip:a@ims.example>;tag=1'),
        ("To", "<sip:b@ims.example>"),
        ("Call-ID", "1@192.0.2.1"),
        ("CSeq", "1 INVITE"),
        ("Contact", "<sip:a@192.0.2.1:5060>"),
        ("Content-Type", "application/sdp"),
    ]
    invite = request("INVITE", "sip:b@ims.example", headers, sdp).to_bytes()
    milenage, rand = Milenage(bytes(16), opc=bytes(16)), bytes(16)
    rtp = RtpPacket(payload_type=0, sequence=1, timestamp=0, ssrc=1, payload=bytes(160))
    sender = SrtpContext("AES_CM_128_HMAC_SHA1_80", bytes(30))
    template = profiles() / "template.yaml"

    def protect() -> None:
        nonlocal rtp
        rtp = rtp.following(bytes(160))
        sender.protect(rtp.to_bytes())

    return {
        "SIP: parse an INVITE and write it again": lambda: Message.parse(invite).to_bytes(),
        "SDP: parse an offer and write it again": lambda: Sdp.parse(sdp).to_bytes(),
        "Milenage: one vector (f1, f2)": lambda: (milenage.f1(rand, bytes(6), bytes(2)), milenage.f2(rand)),
        "SRTP: make and protect a packet": protect,
        "Profile: load the template": lambda: load(template),
    }


def main() -> None:
    """Print the table."""
    for name, operation in parts().items():
        print(f"{name:<45} {rate(operation):>12,.0f} /s", flush=True)


if __name__ == "__main__":
    main()
