"""What a lab's owner knows and lives with for now: no verdict changes by it, the exit code of a run may."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from imsproof.profile.kinds import Part, Text


class Accepted(Part):
    """A purpose that is known not to pass."""

    purpose: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*(-[A-Z0-9]+)+$")] = Field(
        description="The purpose's id, as SBI-TLS-03."
    )
    reason: Text = Field(description="Why it is lived with, and what is done about it.")
    by: Text = Field(description="Who decided that.")
    until: date = Field(description="Last day on which it is (YYYY-MM-DD, UTC).")
