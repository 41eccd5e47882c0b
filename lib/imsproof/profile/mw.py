"""Mw and beyond: the inner nodes as somebody outside could address them, and the borders towards far networks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from imsproof.profile.kinds import Address, Part, Text


class Border(Part):
    """A border node, and the far network behind it, which the tester plays."""

    name: Text = Field(description="A short name for reports.")
    node: Literal["ibcf", "i-cscf"] = Field("ibcf", description="What it is: ibcf, or i-cscf (with topology hiding).")
    hiding: Literal["encryption", "replacement"] = Field(
        "encryption", description="How it hides inner addresses: encryption, or replacement by constant values."
    )
    address: Address = Field(description="The border node as the far network reaches it (SIP over UDP).")
    far_domain: Text = Field(description="Domain of the far network: the lab routes calls to it through this node.")
    far: Address = Field(description="The tester's own address as that far network; the node sends there.")


class Mw(Part):
    """Nodes behind the P-CSCF."""

    icscf: Address | None = Field(None, description="I-CSCF: SIP over UDP, as it could be reached from outside.")
    scscf: Address | None = Field(None, description="S-CSCF: SIP over UDP.")
    application_server: Address | None = Field(None, description="An application server: SIP over UDP.")
    borders: tuple[Border, ...] = Field((), description="Border nodes towards far networks that the tester plays.")
    hidden: tuple[Text, ...] = Field(
        (), description="Addresses and names of inner nodes that must not be seen in far networks."
    )

    def inner(self) -> dict[str, tuple[str, int]]:
        """Inner nodes that are declared, with their address."""
        declared = {"I-CSCF": self.icscf, "S-CSCF": self.scscf, "AS": self.application_server}
        return {name: (address[0], address[1]) for name, address in declared.items() if address is not None}
