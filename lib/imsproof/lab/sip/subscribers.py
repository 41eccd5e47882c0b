"""Who is subscribed to the lab: data that profiles/reference.yaml repeats for the tester."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imsproof.codec.milenage import Milenage
from imsproof.codec.tuak import TOP_OCTETS, Tuak

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imsproof.codec.aka import Functions

DOMAIN = "ims.example"
AMF = bytes.fromhex("8000")


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One subscription.

    Attributes:
        name: short name, e.g. ``ue01``.
        impi: private identity.
        impus: public identities, registered together; the first is the default one.
        k, opc: 16 bytes for AKA; empty for a digest user.
        topc: 32 bytes for AKA with TUAK instead of Milenage; then no ``opc``.
        password: for a digest user; empty for AKA.
        algorithm: of its challenges; AKAv1-MD5 when empty.
        data_channel: whether data channels may be used.
        apps: names of the data-channel applications that may be used.
        refuses_anonymous: whether anonymous calls to it are refused.
        must_agree: whether the P-CSCF serves it with a security agreement alone.
    """

    name: str
    impi: str
    impus: tuple[str, ...]
    k: bytes = b""
    opc: bytes = b""
    topc: bytes = b""
    password: str = ""
    algorithm: str = ""
    data_channel: bool = False
    apps: tuple[str, ...] = ()
    refuses_anonymous: bool = False
    must_agree: bool = False

    def functions(self) -> Functions:
        """Milenage, or TUAK, with its keys."""
        return Tuak(self.k, topc=self.topc) if self.topc else Milenage(self.k, opc=self.opc)

    def other_functions(self) -> Functions:
        """The algorithm set that the subscriber does not have, with its own K."""
        if self.topc:
            return Milenage(self.k[:16], opc=self.topc[:16])
        return Tuak(self.k, topc=self.opc * 2)


def _identities(number: int) -> tuple[str, str, tuple[str, ...]]:
    msisdn = f"+49301{number:06}"
    return f"ue{number:02}", f"00101{number:010}@{DOMAIN}", (f"sip:{msisdn}@{DOMAIN}", f"tel:{msisdn}")


def _aka(
    number: int,
    k: str,
    opc: str,
    *,
    apps: tuple[str, ...] = (),
    refuses_anonymous: bool = False,
    algorithm: str = "",
) -> Subscriber:
    name, impi, impus = _identities(number)
    tuak = len(opc) == 2 * TOP_OCTETS
    return Subscriber(
        name,
        impi,
        impus,
        bytes.fromhex(k),
        b"" if tuak else bytes.fromhex(opc),
        topc=bytes.fromhex(opc) if tuak else b"",
        algorithm=algorithm,
        data_channel=bool(apps),
        apps=apps,
        refuses_anonymous=refuses_anonymous,
    )


def _digest(number: int, password: str, algorithm: str) -> Subscriber:
    name, impi, impus = _identities(number)
    return Subscriber(
        name, impi, impus, password=password, algorithm=algorithm, data_channel=True, apps=("whiteboard",)
    )


# ue07 and ue08 have no data-channel service; ue11 has TUAK, ue12 AKAv2.
SUBSCRIBERS: tuple[Subscriber, ...] = (
    _aka(
        1,
        "60b3317143da6f3c8094709c29d390a5",
        "247a227a3272aa6eb1173bac6aeaa385",
        apps=("whiteboard", "translate", "games"),
    ),
    _aka(2, "dfe0ab9ede2ab391f48b64ee0c823b32", "15af19e80b8b0792bf473414cb1fb984", apps=("whiteboard",)),
    _aka(3, "dfff00d302ecd662c706f118a254436f", "f4a24db2b06c0da323143533954d8079", apps=("whiteboard", "translate")),
    _aka(4, "2b23ba75d5e67a95cb36d6b8a315bf48", "eb54119a767f3df8f7f95dca0a717870", apps=("translate",)),
    _aka(5, "c174f09416ff084e92700df81772745b", "bd116a613b26247d3cd328bcf3064048", apps=("whiteboard", "games")),
    _aka(6, "ea0e649c9d22a2364afd89eae0f50697", "e137a87a58e5e4ac7c67aac45407d38b", apps=("games",)),
    _aka(7, "07f4a40f0d50f7ff0a8dcf6d02ab4e8f", "eb909540710e0d9f005f27d95418f521"),
    _aka(8, "7c5105692da93e8e94b081d6585889bb", "95512197184a5bddacfe1ee1282daa2d", refuses_anonymous=True),
    _aka(9, "3407bb4df8068abb7e307e58dd4cd0ca", "4c804f9f42ef6b9b627790b864804274", apps=("whiteboard", "translate")),
    _aka(10, "6eb94a787ce9b993db23fd2f9b2735ef", "c202f117addd25c63cff31d15855f417", apps=("whiteboard", "translate")),
    _aka(
        11,
        "32d48cd61654c662aaa7ad1cfb829493",
        "7a1d02fb1ed1ab22f5cf2be2d1c6a5b0ee29fbc23d72eccb37af682c1a6c4170",
        apps=("whiteboard", "translate"),
    ),
    _aka(
        12,
        "a44dd78d3e90b78cb45d8d6f6562acef",
        "fff7989594b9737c71187a0c2a3b9aa4",
        apps=("whiteboard", "translate"),
        algorithm="AKAv2-SHA-256",
    ),
    _digest(13, "correct horse battery", "MD5"),
    _digest(14, "staple of the network", "SHA-256"),
    replace(
        _aka(15, "5b0f7c8e39a1d24c60b7f3a85e1c9d42", "91c5d7e02b4f68a3c1d09e7b5f3a2846", apps=("whiteboard",)),
        must_agree=True,
    ),
)

FAR_UE = Subscriber(
    "far",
    f"001019000000090@{DOMAIN}",
    (f"sip:far@{DOMAIN}", "tel:+49301000090"),
    data_channel=True,
    apps=("whiteboard",),
)
"""The lab's own UE, which takes every call; it is registered by provisioning and never authenticates."""


def by_impi(impi: str, among: Iterable[Subscriber] = SUBSCRIBERS) -> Subscriber | None:
    """Find a subscriber by private identity."""
    return next((one for one in among if one.impi == impi), None)


def by_impu(impu: str, among: Iterable[Subscriber] = (*SUBSCRIBERS, FAR_UE)) -> Subscriber | None:
    """Find a subscriber by public identity (scheme, user and host; no parameters)."""
    return next((one for one in among if impu in one.impus), None)
