"""The MF's service-based side: Nmf_MRM (TS 29.176), in front of the media function that holds the sockets."""

from __future__ import annotations

import copy
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any, Protocol

from imsproof.lab.media.errors import MediaRefusedError
from imsproof.lab.nodes import MF
from imsproof.lab.sbi.authorise import TokenVerifier
from imsproof.lab.sbi.jsonpatch import PatchError, apply_patch
from imsproof.lab.sbi.mediacontext import DcMedia, add_local, dc_medias
from imsproof.lab.sbi.messages import JSON_PATCH, Refused, Request, Response, Router, json_response, refused
from imsproof.lab.sbi.server import SbiServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imsproof.lab.dctypes import DcEndpoint, DcOffer
    from imsproof.lab.pki import Pki
    from imsproof.lab.policy import PolicyBox
    from imsproof.lab.sbi.jsonpolicy import JsonPolicy

SCOPE = "nmf-mrm"
MAX_CONTEXTS = 200


class MediaPlane(Protocol):
    """What the MF's media side offers (lab/media/mf.py)."""

    async def allocate(self, context_id: str, remote: DcOffer, subscriber: str, apps_url: str) -> DcEndpoint:
        """Open a socket for one association and return its own end."""

    async def update(self, context_id: str, remote: DcOffer) -> DcEndpoint:
        """Take another remote end and return its own."""

    async def release(self, context_id: str) -> None:
        """Close the association."""


@dataclass(slots=True)
class Association:
    """One data-channel media: its key in the media plane, and the remote end as it was last told."""

    key: str
    remote: DcOffer


@dataclass(slots=True)
class Context:
    """A media context: whose it is, its JSON, and its media's keys in the media plane."""

    owner: str
    value: dict[str, Any]
    associations: dict[tuple[int, int], Association] = field(default_factory=dict)


class MfNode:
    """Serves nmf-mrm: create, update and delete media contexts, for those with a good token only."""

    def __init__(self, pki: Pki, box: PolicyBox, prefix: str, media: MediaPlane) -> None:
        self._box = box
        self._prefix = prefix
        self._media = media
        self._tokens = TokenVerifier(MF, pki.token_public_key.read_bytes(), pki.ca.read_bytes())
        self._apps_hosts = frozenset({f"{prefix}.60", f"{prefix}.40"})
        self._contexts: dict[str, Context] = {}
        router = Router()
        router.add("POST", "/nmf-mrm/v1/contexts", self._create)
        router.add("PATCH", "/nmf-mrm/v1/contexts/{id}", self._update)
        router.add("DELETE", "/nmf-mrm/v1/contexts/{id}", self._delete)
        self._server = SbiServer(MF, pki, box, router)

    async def start(self) -> None:
        """Listen."""
        await self._server.start(MF.address(self._prefix))

    async def stop(self) -> None:
        """Stop listening and release everything."""
        await self._server.stop()
        await self.reset()

    async def reset(self) -> None:
        """Release every context."""
        contexts, self._contexts = self._contexts, {}
        for context in contexts.values():
            await self._release(context)

    @property
    def contexts(self) -> int:
        """How many contexts there are."""
        return len(self._contexts)

    async def _create(self, request: Request) -> Response:
        policy = self._box.current.sbi
        owner = self._tokens.consumer(request, policy, SCOPE)
        how = self._box.current.json
        value = request.json_object(policy, how)
        medias = self._medias(value, how)
        if len(self._contexts) >= MAX_CONTEXTS:
            raise refused(500, "INSUFFICIENT_RESOURCES", f"{MAX_CONTEXTS} contexts are in use")
        context_id = str(uuid.uuid4())
        context = Context(owner, {**value, "contextId": context_id})
        self._contexts[context_id] = context
        try:
            for media in medias:
                await self._allocate(context, media)
        except BaseException:
            self._contexts.pop(context_id, None)
            await self._release(context)
            raise
        location = f"{MF.api_root(self._prefix)}/nmf-mrm/v1/contexts/{context_id}"
        return json_response(201, context.value, headers=(("location", location),))

    async def _update(self, request: Request, context_id: str) -> Response:
        policy = self._box.current.sbi
        consumer = self._tokens.consumer(request, policy, SCOPE)
        context = self._find(context_id, consumer)
        try:
            how = self._box.current.json
            patch = request.json(policy, JSON_PATCH)
            value = apply_patch(context.value, patch, bounded=how.patch_bounded)
        except PatchError as error:
            if not how.patch_atomic and error.partial is not None:
                context.value = error.partial
            raise refused(400, "INVALID_MSG_FORMAT", str(error)) from error
        if not isinstance(value, dict) or value.get("contextId") != context_id:
            raise refused(403, "MODIFICATION_NOT_ALLOWED", "contextId cannot be changed")
        medias = dc_medias(value, self._apps_hosts)
        if {(media.termination, media.index) for media in medias} != set(context.associations):
            raise refused(403, "MODIFICATION_NOT_ALLOWED", "medias cannot be added or removed by an update")
        for media in medias:
            association = context.associations[media.termination, media.index]
            remote = _told(context.value, value, media, association.remote)
            with _refusals():
                local = await self._media.update(association.key, remote)
            association.remote = remote
            add_local(_media_of(value, media), local)  # the MF's own end is not the consumer's to change
        context.value = value
        return json_response(200, value)

    async def _delete(self, request: Request, context_id: str) -> Response:
        consumer = self._tokens.consumer(request, self._box.current.sbi, SCOPE)
        context = self._find(context_id, consumer)
        self._contexts = {known: one for known, one in self._contexts.items() if one is not context}
        await self._release(context)
        return Response(204)

    def _medias(self, value: dict[str, Any], how: JsonPolicy) -> list[DcMedia]:
        try:
            return dc_medias(value, self._apps_hosts if how.check_urls else None)
        except Refused:
            if how.check_mandatory:
                raise
            return []

    def _find(self, context_id: str, consumer: str) -> Context:
        if self._box.current.json.ids_as_patterns:
            pattern = context_id.rpartition("/")[2]
            context_id = next((known for known in self._contexts if fnmatch(known, pattern)), context_id)
        context = self._contexts.get(context_id)
        if context is None:
            raise refused(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND", "no such media context")
        if self._box.current.sbi.check_owner and context.owner != consumer:
            raise refused(403, "MODIFICATION_NOT_ALLOWED", "the media context is another consumer's")
        return context

    async def _allocate(self, context: Context, media: DcMedia) -> None:
        key = str(context.value["contextId"]) + (f".{len(context.associations)}" if context.associations else "")
        context.associations[media.termination, media.index] = Association(key, media.remote)
        with _refusals():
            local = await self._media.allocate(key, media.remote, media.subscriber, media.apps_url)
        context.value = copy.deepcopy(context.value)
        add_local(_media_of(context.value, media), local)

    async def _release(self, context: Context) -> None:
        for association in context.associations.values():
            await self._media.release(association.key)
        context.associations.clear()


def _media_of(context: dict[str, Any], media: DcMedia) -> dict[str, Any]:
    found: dict[str, Any] = context["terminations"][media.termination]["medias"][media.index]
    return found


def _told(old: dict[str, Any], new: dict[str, Any], media: DcMedia, before: DcOffer) -> DcOffer:
    """Return the remote end after a patch.

    securitySetup and maxMessageSize stand once for both ends: where the patch leaves them alone they are still the
    MF's, and the remote end's are what they were.
    """
    unchanged = {
        field: getattr(before, field)
        for field, name in (("setup", "securitySetup"), ("max_message_size", "maxMessageSize"))
        if _media_of(old, media)["dcMedia"][name] == _media_of(new, media)["dcMedia"].get(name)
    }
    return replace(media.remote, **unchanged)


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn the media plane's refusals into answers."""
    try:
        yield
    except MediaRefusedError as error:
        raise refused(403, "MEDIA_REFUSED", str(error)) from error
