"""Destinations that subscribers may not call: barred by number, in whatever way it is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from imsproof.codec.sip import Uri, parse_uri

if TYPE_CHECKING:
    from imsproof.lab.sip.policy import SipPolicy

PREMIUM_PREFIX = "+49900"
"""Premium-rate numbers: nobody's subscription covers them."""


def barred(uri: str, policy: SipPolicy) -> bool:
    """Whether a Request-URI leads to a barred destination (``SipSyntaxError`` when it cannot be read)."""
    parsed = parse_uri(uri)
    match policy.barring:
        case "nothing":
            return False
        case "spelling":
            return parsed.user.startswith(PREMIUM_PREFIX)
        case _:
            return number(parsed).startswith(PREMIUM_PREFIX)


def number(uri: Uri) -> str:
    """The global number that a URI names: escapes, visual separators and prefixes taken away; empty for a name."""
    user = unquote(uri.user).partition(";")[0]
    digits = re.sub(r"[-.()\s]", "", user)
    context = unquote(uri.params.get("phone-context") or "")
    if not digits.startswith("+") and re.fullmatch(r"\+[0-9]+", context):
        digits = context + digits
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    return digits if re.fullmatch(r"\+[0-9]+", digits) else ""


def premium(uri: Uri) -> bool:
    """Whether a call goes out to a premium-rate number."""
    return number(uri).startswith(PREMIUM_PREFIX)
