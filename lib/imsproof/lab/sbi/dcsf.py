"""The DCSF: takes session events from the IMS AS and answers with a media instruction (TS 23.228 Annex AC.7)."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from imsproof.lab.nodes import DCSF, IMS_AS
from imsproof.lab.sbi.client import CallError, NfClient
from imsproof.lab.sbi.mediacontext import FAR_STREAMS
from imsproof.lab.sbi.messages import Request, Response, Router, refused
from imsproof.lab.sbi.server import SbiServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from imsproof.lab.pki import Pki
    from imsproof.lab.policy import PolicyBox

EVENTS_PATH = "/dcsf/v1/session-events"
"""Where the IMS AS notifies: the callback URI is by configuration in this release of TS 29.175."""
MEDIA_CONTROL = "nimsas-mc nimsas-mc:media-instruction"
"""The scopes of a media instruction: the service's, and the operation's."""
ASKED_FOR = {"SESSION_ESTABLISHMENT_REQUEST", "MEDIA_CHANGE_REQUEST"}
BOOTSTRAP = frozenset({0, 10, 100, 110})
FIRST_APPLICATION_STREAM = 1000


class DcsfNode:
    """Decides what becomes of data channels.

    Args:
        may_use: tells whether a public identity has the data-channel service.
        may_use_app: tells whether a public identity may use an application.
        apps_url: returns the DC AS' URL with the applications of a public identity.
    """

    def __init__(
        self,
        pki: Pki,
        box: PolicyBox,
        prefix: str,
        *,
        may_use: Callable[[str], bool],
        may_use_app: Callable[[str, str], bool],
        apps_url: Callable[[str], str],
    ) -> None:
        self._box = box
        self._prefix = prefix
        self._may_use = may_use
        self._may_use_app = may_use_app
        self._apps_url = apps_url
        self._client = NfClient(DCSF, pki, prefix)
        self._tasks: set[asyncio.Task[None]] = set()
        router = Router()
        router.add("POST", EVENTS_PATH, self._notified)
        self._server = SbiServer(DCSF, pki, box, router)

    async def start(self) -> None:
        """Listen."""
        await self._server.start(DCSF.address(self._prefix))

    async def stop(self) -> None:
        """Stop listening and calling."""
        await self._server.stop()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()

    def reset(self) -> None:
        """Forget the tokens."""
        self._client.forget()

    async def _notified(self, request: Request) -> Response:
        """Take a SessionEventNotification. It needs no token: OAuth does not apply to notifications."""
        if self._box.current.sbi.check_static_policy and IMS_AS.nf_type not in request.peer.nf_types:
            raise refused(403, "NF_TYPE_NOT_ALLOWED", "notifications come from an IMS AS")
        event = request.json_object(self._box.current.sbi)
        session_id, kind = event.get("sessionId"), event.get("notificationEvent")
        if not isinstance(session_id, str) or not session_id or not isinstance(kind, dict) or "eventType" not in kind:
            raise refused(400, "MANDATORY_IE_MISSING", "sessionId or notificationEvent is missing")
        if kind["eventType"] in ASKED_FOR and request.peer.instance_id == IMS_AS.instance_id:
            task = asyncio.get_running_loop().create_task(self._instruct(session_id, self._decide(event)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return Response(204)

    def _decide(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return the MediaInstruction set: anchor bootstrap channels, let application channels pass end to end."""
        info = event.get("sessionInfo") or {}
        served = str(info.get("callingIdentity", ""))
        instructions: dict[str, Any] = {}
        for media_id, media in (event.get("mediaInfoList") or {}).items():
            streams = (media.get("dcMediaSpecification") or {}).get("streams") or {}
            instruction: dict[str, Any] = {"mediaId": media_id, "mediaResourceType": "DC"}
            numbers = [int(stream) for stream in streams]
            requested = (media.get("dcMediaSpecification") or {}).get("requestedApps") or []
            usable = all(self._may_use_app(served, str(app)) for app in requested)
            if not self._may_use(served) or not numbers or not usable:
                instruction["mediaInstruction"] = "REJECT_MEDIA"
            elif min(numbers) < FIRST_APPLICATION_STREAM:
                called = str(info.get("calledIdentity", ""))
                far = called if self._box.current.sip.stream_roles_kept else served
                instruction["mediaInstruction"] = "TERMINATE_MEDIA"
                instruction["dcMediaSpecification"] = {
                    "mediaProxyConfig": "HTTP",
                    "replaceHttpUrls": {
                        str(number): {
                            "streamId": number,
                            "replaceHttpUrl": self._apps_url(far if number in FAR_STREAMS else served),
                        }
                        for number in numbers
                        if number in BOOTSTRAP
                    },
                    "streams": {str(number): {"streamId": number} for number in numbers},
                }
            instructions[media_id] = instruction
        return instructions

    async def _instruct(self, session_id: str, instructions: dict[str, Any]) -> None:
        path = f"/nimsas-mc/v1/call-sessions/{quote(session_id, safe='')}/media-instruction"
        value = {"sessionId": session_id, "mediaInstructionSet": instructions}
        try:
            await self._client.call(IMS_AS, "POST", path, value, scope=MEDIA_CONTROL, assertion=True)
        except CallError as error:
            sys.stderr.write(f"dcsf: {error}\n")
