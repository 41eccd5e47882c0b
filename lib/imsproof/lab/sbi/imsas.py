"""The IMS AS's service-based side: asks the DCSF, takes its instruction (Nimsas_MediaControl), reserves at the MF."""

from __future__ import annotations

import asyncio
import sys
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from imsproof.lab.dctypes import DcDecision, DcOffer
from imsproof.lab.nodes import DCSF, IMS_AS, MF
from imsproof.lab.sbi.authorise import TokenVerifier
from imsproof.lab.sbi.client import CallError, NfClient
from imsproof.lab.sbi.dcsf import EVENTS_PATH, MEDIA_CONTROL
from imsproof.lab.sbi.mediacontext import (
    ICE,
    dc_endpoint_json,
    endpoint_json,
    ice_json,
    local_of,
    media_json,
    size_json,
)
from imsproof.lab.sbi.messages import JSON_PATCH, Request, Response, Router, refused
from imsproof.lab.sbi.server import SbiServer

if TYPE_CHECKING:
    from imsproof.lab.pki import Pki
    from imsproof.lab.policy import PolicyBox

SCOPE = "nimsas-mc"
MEDIA_ID = "dc"
INSTRUCTION_SECONDS = 3.0
INSTRUCTIONS = {
    "TERMINATE_MEDIA",
    "ORIGINATE_MEDIA",
    "TERMINATE_AND_ORIGINATE_MEDIA",
    "UPDATE_MEDIA",
    "DELETE_MEDIA",
    "REJECT_MEDIA",
}


@dataclass(slots=True)
class _Session:
    """A call with a data channel: its id towards the DCSF, the instruction awaited, and the MF's context."""

    calling: str
    called: str
    sbi_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    instruction: asyncio.Future[dict[str, Any]] | None = None
    decision: DcDecision | None = None
    context_id: str = ""


class ImsAsControl:
    """What the SIP side of the IMS AS calls when a session has a data channel."""

    def __init__(self, pki: Pki, box: PolicyBox, prefix: str) -> None:
        self._box = box
        self._prefix = prefix
        self._tokens = TokenVerifier(
            IMS_AS,
            pki.token_public_key.read_bytes(),
            pki.ca.read_bytes(),
            wants_assertion=True,
            operation_scope=MEDIA_CONTROL.rpartition(" ")[2],
        )
        self._client = NfClient(IMS_AS, pki, prefix)
        self._sessions: dict[str, _Session] = {}
        router = Router()
        router.add("POST", "/nimsas-mc/v1/call-sessions/{id}/media-instruction", self._instructed)
        self._server = SbiServer(IMS_AS, pki, box, router)

    async def start(self) -> None:
        """Listen."""
        await self._server.start(IMS_AS.address(self._prefix))

    async def stop(self) -> None:
        """Stop listening and calling."""
        await self._server.stop()
        await self._client.close()

    def reset(self) -> None:
        """Forget every session and token; the MF forgets its contexts by itself."""
        self._sessions.clear()
        self._client.forget()

    @property
    def sessions(self) -> int:
        """How many sessions there are."""
        return len(self._sessions)

    # --- for the SIP side -------------------------------------------------------------------------------------------

    async def session_request(self, session_id: str, calling: str, called: str, offer: DcOffer) -> DcDecision:
        """Have the DCSF decide on a new session's data channel, and reserve at the MF when it says to anchor.

        When DCSF, NRF or MF fail, the decision is ``reject``, and why stands on stderr.
        """
        session = self._sessions.setdefault(session_id, _Session(calling, called))
        session.decision = await self._decide(session, "SESSION_ESTABLISHMENT_REQUEST", offer)
        return session.decision

    async def session_update(self, session_id: str, calling: str, called: str, offer: DcOffer) -> DcDecision:
        """Have the DCSF decide on a changed offer; an anchored channel keeps its context at the MF."""
        session = self._sessions.setdefault(session_id, _Session(calling, called))
        session.decision = await self._decide(session, "MEDIA_CHANGE_REQUEST", offer)
        return session.decision

    async def session_ended(self, session_id: str) -> None:
        """Release the MF's context and tell the DCSF. Unknown sessions are none of its business."""
        session = self._sessions.pop(session_id, None)
        if session is None:
            return
        try:
            if session.context_id:
                await self._client.call(MF, "DELETE", _context(session), scope="nmf-mrm")
            await self._notify(session, "SESSION_TERMINATION", None)
        except CallError as error:
            sys.stderr.write(f"imsas: {error}\n")

    # --- the way of TS 23.228 AC.7.1: notify, be instructed, reserve ------------------------------------------------

    async def _decide(self, session: _Session, event: str, offer: DcOffer) -> DcDecision:
        session.instruction = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(INSTRUCTION_SECONDS):
                await self._notify(session, event, offer)
                instruction = await session.instruction
            kind = instruction.get("mediaInstruction")
            if kind is None:
                return DcDecision("pass")
            if kind in {"TERMINATE_MEDIA", "TERMINATE_AND_ORIGINATE_MEDIA", "UPDATE_MEDIA"}:
                return await self._anchor(session, instruction, offer)
        except (CallError, TimeoutError, KeyError, TypeError, ValueError) as error:
            sys.stderr.write(f"imsas: the data channel is rejected: {type(error).__name__}: {error}\n")
        finally:
            session.instruction = None
        return DcDecision("reject")

    async def _notify(self, session: _Session, event: str, offer: DcOffer | None) -> None:
        value: dict[str, Any] = {
            "notificationEvent": {"eventType": event, "eventInitiator": "SERVED_IMS_SUBSCRIBER"},
            "sessionId": session.sbi_id,
            "sessionInfo": {
                "callingIdentity": session.calling,
                "calledIdentity": session.called,
                "sessionCase": "ORIGINATING_IMS_SESSION",
            },
        }
        if offer is not None:
            specification = {
                "streams": {str(stream): {"streamId": stream} for stream in offer.streams},
                "remoteDcEndpoint": dc_endpoint_json(offer),
                "securitySetup": offer.setup.upper(),
                **({"requestedApps": list(offer.apps)} if offer.apps else {}),
            }
            media = {"mediaId": MEDIA_ID, "mediaType": "DC", "dcMediaSpecification": specification}
            value["mediaInfoList"] = {MEDIA_ID: media}
        await self._client.call(DCSF, "POST", EVENTS_PATH, value)

    async def _anchor(self, session: _Session, instruction: dict[str, Any], offer: DcOffer) -> DcDecision:
        if session.context_id:
            where = "/terminations/0/medias/0"
            patch = [
                {
                    "op": "replace",
                    "path": f"{where}/remoteMbEndpoint",
                    "value": endpoint_json(offer.address, offer.port),
                },
                {"op": "replace", "path": f"{where}/dcMedia/remoteDcEndpoint", "value": dc_endpoint_json(offer)},
                {"op": "replace", "path": f"{where}/dcMedia/securitySetup", "value": offer.setup.upper()},
                {"op": "replace", "path": f"{where}/dcMedia/maxMessageSize", "value": size_json(offer)},
            ]
            if offer.ice:
                patch.append({"op": "add", "path": f"{where}/dcMedia/{ICE}", "value": ice_json(offer.ice)})
            answer = await self._client.call(
                MF, "PATCH", _context(session), patch, scope="nmf-mrm", content_type=JSON_PATCH
            )
        else:
            urls = (instruction.get("dcMediaSpecification") or {}).get("replaceHttpUrls") or {}
            media = media_json(MEDIA_ID, offer, urls)
            context = {"terminations": [{"terminationId": "access", "medias": [media]}]}
            answer = await self._client.call(MF, "POST", "/nmf-mrm/v1/contexts", context, scope="nmf-mrm")
            session.context_id = str(answer.value["contextId"])
        return DcDecision("anchor", local_of(answer.value["terminations"][0]["medias"][0]))

    # --- Nimsas_MediaControl ----------------------------------------------------------------------------------------

    async def _instructed(self, request: Request, sbi_id: str) -> Response:
        policy = self._box.current.sbi
        self._tokens.consumer(request, policy, SCOPE)
        value = request.json_object(policy)
        instructions = value.get("mediaInstructionSet")
        if not isinstance(instructions, dict) or not instructions or not isinstance(value.get("sessionId"), str):
            raise refused(400, "MANDATORY_IE_MISSING", "sessionId or mediaInstructionSet is missing")
        for entry in instructions.values():
            if not isinstance(entry, dict) or entry.get("mediaInstruction", "REJECT_MEDIA") not in INSTRUCTIONS:
                raise refused(400, "MANDATORY_IE_INCORRECT", "mediaInstructionSet has an instruction of no known kind")
        if value["sessionId"] != sbi_id:
            raise refused(400, "MANDATORY_IE_INCORRECT", "sessionId is not the path's")
        session = next((known for known in self._sessions.values() if known.sbi_id == sbi_id), None)
        if session is None or MEDIA_ID not in instructions:
            raise refused(404, "CONTEXT_NOT_FOUND", "no such session or media")
        if request.peer.instance_id != DCSF.instance_id:
            raise refused(403, "MODIFICATION_NOT_ALLOWED", "the session is served by another DCSF")
        if session.instruction is None or session.instruction.done():
            raise refused(403, "MODIFICATION_NOT_ALLOWED", "no instruction is awaited")
        session.instruction.set_result(instructions[MEDIA_ID])
        return Response(204)


def _context(session: _Session) -> str:
    return f"/nmf-mrm/v1/contexts/{session.context_id}"
