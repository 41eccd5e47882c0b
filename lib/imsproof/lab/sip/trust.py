"""The border of the trust domain at the P-CSCF: which headers may cross it, and whose identity is asserted.

TS 24.229 clauses 4.4 (secondary) and 5.2.6.3 (unchecked); RFC 3325.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imsproof.codec.sip import Message, SipSyntaxError, parse_name_addr, parse_uri

if TYPE_CHECKING:
    from imsproof.lab.sip.bindings import Binding
    from imsproof.lab.sip.policy import SipPolicy

NOT_FROM_UE = (
    "P-Asserted-Identity",
    "P-Served-User",
    "P-Profile-Key",
    "P-Charging-Vector",
    "P-Charging-Function-Addresses",
    "P-Called-Party-ID",
    "P-User-Database",
    "P-Asserted-Service",
    "P-Visited-Network-ID",
    "Feature-Caps",
    "History-Info",
    "Attestation-Info",
    "Origination-Id",
    "Additional-Identity",
)
NOT_TO_UE = (
    "P-Served-User",
    "P-Profile-Key",
    "P-Charging-Vector",
    "P-Charging-Function-Addresses",
    "P-User-Database",
    "P-Access-Network-Info",
    "P-Visited-Network-ID",
    "P-Preferred-Identity",
    "Attestation-Info",
    "Origination-Id",
    "Additional-Identity",
)
CREDENTIALS = ("Authorization", "Proxy-Authorization")
"""They name the private identity of whom they came from, and are for this network only."""
SECURITY = ("Security-Client", "Security-Server", "Security-Verify")


def take_from_ue(message: Message, policy: SipPolicy) -> None:
    """Take off what only the network may write."""
    if policy.strip_asserted_identity:
        for name in NOT_FROM_UE:
            message.remove(name)
    if policy.leave_agreement:
        leave_agreement(message)


def leave_agreement(message: Message) -> None:
    """Take off what belongs to the hop between UE and P-CSCF alone (RFC 3329 2.3.1)."""
    for name in SECURITY:
        message.remove(name)
    for name in ("Require", "Proxy-Require"):
        kept = [tag for tag in message.values(name) if tag.lower() != "sec-agree"]
        if len(kept) != len(message.values(name)):
            message.remove(name)
            if kept:
                message.add(name, ", ".join(kept))


def assert_identity(message: Message, bindings: list[Binding], policy: SipPolicy) -> None:
    """Write P-Asserted-Identity: the preferred identity when it is registered, else the default one."""
    preferred = message.get("P-Preferred-Identity")
    message.remove("P-Preferred-Identity")
    if message.get("P-Asserted-Identity") is not None:
        return  # only a network that does not strip it comes here
    registered = [impu for binding in bindings for impu in binding.impus]
    wanted = _address_of_record(preferred)
    if not policy.assert_registered:
        chosen = _address_of_record(message.get("From")) or ""
    elif wanted and (wanted in registered or not policy.check_preferred_identity):
        chosen = wanted
    elif registered:
        chosen = registered[0]
    else:
        chosen = _address_of_record(message.get("From")) or ""
    message.add("P-Asserted-Identity", f"<{chosen}>")


def _address_of_record(text: str | None) -> str | None:
    try:
        return parse_uri(parse_name_addr(text or "").uri).aor
    except SipSyntaxError:
        return None


def give_to_ue(message: Message, policy: SipPolicy) -> None:
    """Take off what a UE must not see; the asserted identity too when its owner asked for that (RFC 3323, 3325)."""
    wishes = {wish.strip().lower() for text in message.get_all("Privacy") for wish in text.split(";")}
    if policy.honour_privacy and ("id" in wishes or "user" in wishes):
        message.remove("P-Asserted-Identity")
    if policy.strip_network_headers:
        for name in NOT_TO_UE:
            message.remove(name)
    for name in CREDENTIALS:
        message.remove(name)
