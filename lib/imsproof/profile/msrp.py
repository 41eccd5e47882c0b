"""Message sessions (MSRP): reached through a call on Gm, or by a hook when one endpoint stands alone on a bench."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from imsproof.profile.hook import Hook
from imsproof.profile.kinds import Part, Text


class Msrp(Part):
    """How the tester gets a message session."""

    via: Literal["gm", "hook"] = Field("gm", description="gm: by a call; hook: an offer is handed over (see hook).")
    hook: Hook | None = Field(
        None, description="via hook: how the offer reaches the endpoint; its answer must be a session description."
    )
    tls: bool = Field(default=True, description="Whether sessions run over TLS; false for an endpoint with TCP alone.")
    e2ae: bool = Field(
        default=False, description="Whether offers ask for protection by the IMS-AGW (a=3ge2ae:requested)."
    )
    connects: bool = Field(
        default=True, description="Whether the endpoint connects to the tester when the offer says setup:passive."
    )
    content_type: Text = Field("text/plain", description="A type of content that the endpoint takes.")
