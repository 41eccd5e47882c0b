"""How the lab takes JSON: every check on, in the conformant network."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JsonPolicy:
    """Checks of bodies, identifiers and patches.

    Attributes:
        check_syntax: what is no JSON (RFC 8259) is refused, not mended.
        unpacks: a compressed body is unpacked, whatever comes of it; else compressed bodies are not taken.
        check_type: a body of another content type is refused.
        check_mandatory: a mandatory IE that is missing or wrong is refused; else it is passed over.
        check_urls: a replacement URL leads to the lab's own application servers only.
        ids_as_patterns: a resource's identifier is taken as a pattern of file names, after any path before it.
        patch_atomic: of a patch that fails nothing is applied.
        patch_bounded: an index of a patch lies in its array, and operations are well formed.
        crashes_on: what ends a node's service: ``deep`` (nesting), ``multipart``, ``query`` (an empty key),
            ``number`` (of thousands of digits).
    """

    check_syntax: bool = True
    unpacks: bool = False
    check_type: bool = True
    check_mandatory: bool = True
    check_urls: bool = True
    ids_as_patterns: bool = False
    patch_atomic: bool = True
    patch_bounded: bool = True
    crashes_on: tuple[str, ...] = ()
