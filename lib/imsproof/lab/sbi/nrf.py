"""The NRF: access tokens, NF profiles, discovery (TS 29.510)."""

from __future__ import annotations

import json
import re
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from joserfc import jwt
from joserfc.jwk import ECKey

from imsproof.codec.jose import unsecured
from imsproof.lab.nodes import LAB_NFS, NRF, PLMN, SBI_PORT, Nf
from imsproof.lab.sbi.cca import check_assertion
from imsproof.lab.sbi.messages import FORM, Refused, Request, Response, Router, json_response, refused
from imsproof.lab.sbi.notifier import Notifier, may_notify
from imsproof.lab.sbi.server import SbiServer

if TYPE_CHECKING:
    from imsproof.lab.pki import Pki
    from imsproof.lab.policy import PolicyBox
    from imsproof.lab.sbi.policy import SbiPolicy

SCOPE = re.compile(r"[a-zA-Z0-9_:-]+( [a-zA-Z0-9_:-]+)*")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MAX_PARAMETERS = 40
MAX_PROFILES = 1000
WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "subject": {"sub": NRF.instance_id},
    "audience": {"aud": "UDR"},
    "scope": {"scope": "nmf-mrm nimsas-mc nudr-dr"},
}
"""What a planted fault writes into an issued token."""
NO_STORE = (("cache-control", "no-store"), ("pragma", "no-cache"))


class NrfNode:
    """Issues tokens to consumers that the producer's profile allows, and keeps the profiles."""

    def __init__(self, pki: Pki, box: PolicyBox, prefix: str) -> None:
        self._box = box
        self._key = ECKey.import_key(pki.token_key.read_bytes())
        self._ca_pem = pki.ca.read_bytes()
        self._prefix = prefix
        self._profiles: dict[str, dict[str, Any]] = {}
        self._subscriptions: dict[str, tuple[str, str]] = {}
        self.reset()
        router = Router()
        router.add("POST", "/oauth2/token", self._token)
        router.add("PUT", "/nnrf-nfm/v1/nf-instances/{id}", self._register)
        router.add("GET", "/nnrf-nfm/v1/nf-instances/{id}", self._profile)
        router.add("DELETE", "/nnrf-nfm/v1/nf-instances/{id}", self._deregister)
        router.add("GET", "/nnrf-disc/v1/nf-instances", self._discover)
        router.add("POST", "/nnrf-nfm/v1/subscriptions", self._subscribe)
        router.add("DELETE", "/nnrf-nfm/v1/subscriptions/{id}", self._unsubscribe)
        self._notifier = Notifier(NRF, pki, box)
        self._server = SbiServer(NRF, pki, box, router)

    async def start(self) -> None:
        """Listen."""
        await self._server.start(NRF.address(self._prefix))

    async def stop(self) -> None:
        """Stop listening."""
        await self._server.stop()
        await self._notifier.stop()

    def reset(self) -> None:
        """Forget every profile but those of the lab's own NFs."""
        self._profiles = {nf.instance_id: profile_of(nf, self._prefix) for nf in LAB_NFS}
        self._subscriptions.clear()

    @property
    def profiles(self) -> int:
        """How many NFs are registered."""
        return len(self._profiles)

    # --- access tokens ----------------------------------------------------------------------------------------------

    async def _token(self, request: Request) -> Response:
        policy = self._box.current.sbi
        request.expect_type(FORM)
        form = _form(request.body, strict=policy.nrf_strict_forms)
        check_assertion(request, policy, NRF.nf_type, self._ca_pem)
        consumer, scope = self._token_request(form, request, policy)
        producers = self._producers(form)
        for service in scope.split(" ") if policy.nrf_check_scope else ():
            self._check_service(service, consumer["nfType"], producers)
        now = int(time.time()) - (2 * policy.token_lifetime if policy.nrf_claims_flaw == "expired" else 0)
        target = form.get("targetNfInstanceId")
        claims = {
            "iss": NRF.instance_id,
            "sub": consumer["nfInstanceId"],
            "aud": [target] if target else form["targetNfType"],
            "scope": scope,
            "iat": now,
            "exp": now + policy.token_lifetime,
        }
        claims |= WRONG_CLAIMS.get(policy.nrf_claims_flaw, {})
        token = jwt.encode({"alg": "ES256", "typ": "JWT"}, claims, self._key)
        answer = {
            "access_token": unsecured(token) if policy.nrf_claims_flaw == "unsigned" else token,
            "token_type": "Bearer",
            "expires_in": policy.token_lifetime,
            "scope": scope,
        }
        return json_response(200, answer, headers=NO_STORE if policy.nrf_no_store else ())

    def _token_request(self, form: dict[str, str], request: Request, policy: SbiPolicy) -> tuple[dict[str, str], str]:
        """Return the consumer and the scope asked for, once the request is found right and the client's own."""
        for name in ("grant_type", "nfInstanceId", "scope"):
            if not form.get(name):
                raise _oauth("invalid_request", f"{name} is missing")
        if policy.nrf_check_grant and form["grant_type"] != "client_credentials":
            raise _oauth("unsupported_grant_type", "grant_type is not client_credentials")
        if not UUID.fullmatch(form["nfInstanceId"]):
            raise _oauth("invalid_request", "nfInstanceId is not a UUID")
        instance_id = form["nfInstanceId"].lower()
        if policy.nrf_check_instance and instance_id != request.peer.instance_id:
            raise _oauth("invalid_client", "nfInstanceId is not the certificate's")
        if not SCOPE.fullmatch(form["scope"]):
            raise _oauth("invalid_scope", "scope is not well formed")
        known = {nf["nfType"] for key, nf in self._profiles.items() if key == instance_id}
        known |= set(request.peer.nf_types)
        nf_type = form.get("nfType") or next(iter(known), "")
        if policy.nrf_check_type and nf_type not in known:
            raise _oauth("unauthorized_client", "nfType is not the certificate's")
        if policy.nrf_check_plmn and "requesterPlmn" in form and _plmn(form["requesterPlmn"]) != PLMN:
            raise _oauth("unauthorized_client", "requesterPlmn is not the consumer's")
        return {"nfInstanceId": instance_id, "nfType": nf_type}, form["scope"]

    def _producers(self, form: dict[str, str]) -> list[dict[str, Any]]:
        if target := form.get("targetNfInstanceId"):
            found = [self._profiles[target]] if target in self._profiles else []
        elif target := form.get("targetNfType"):
            found = [profile for profile in self._profiles.values() if profile["nfType"] == target]
        else:
            raise _oauth("invalid_request", "targetNfType or targetNfInstanceId is missing")
        if not found:
            raise _oauth("invalid_request", "no such producer is registered")
        return found

    def _check_service(self, service: str, nf_type: str, producers: list[dict[str, Any]]) -> None:
        name = service.partition(":")[0]  # a scope of one operation is for whom its service is for
        offered = [entry for profile in producers for entry in profile["nfServices"] if entry["serviceName"] == name]
        if not offered:
            raise _oauth("invalid_scope", "the producer has no such service")
        if not any(nf_type in entry["allowedNfTypes"] for entry in offered):
            raise _oauth("unauthorized_client", "the service is not for this NF type")

    # --- profiles ---------------------------------------------------------------------------------------------------

    async def _register(self, request: Request, instance_id: str) -> Response:
        policy = self._box.current.sbi
        self._check_owner(request, instance_id, policy)
        profile = request.json_object(policy)
        fits = (
            profile.get("nfInstanceId") == instance_id
            and isinstance(profile.get("nfType"), str)
            and isinstance(profile.get("nfStatus"), str)
            and isinstance(services := profile.setdefault("nfServices", []), list)
            and all(_is_service(entry) for entry in services)
        )
        if not fits:
            raise refused(400, "MANDATORY_IE_INCORRECT", "nfInstanceId, nfType, nfStatus or nfServices is not right")
        if policy.nrf_check_type and profile["nfType"] not in request.peer.nf_types:
            raise refused(403, "NF_TYPE_NOT_ALLOWED", "nfType is not the certificate's")
        if instance_id not in self._profiles and len(self._profiles) >= MAX_PROFILES:
            raise refused(500, "INSUFFICIENT_RESOURCES", "too many profiles")
        status = 200 if instance_id in self._profiles else 201
        self._profiles[instance_id] = profile
        self._tell("NF_REGISTERED" if status == 201 else "NF_PROFILE_CHANGED", instance_id)
        location = f"{NRF.api_root(self._prefix)}/nnrf-nfm/v1/nf-instances/{instance_id}"
        return json_response(status, profile, headers=(("location", location),) if status == 201 else ())

    async def _profile(self, request: Request, instance_id: str) -> Response:
        self._check_owner(request, instance_id, self._box.current.sbi)
        return json_response(200, self._find(instance_id))

    async def _deregister(self, request: Request, instance_id: str) -> Response:
        self._check_owner(request, instance_id, self._box.current.sbi)
        self._find(instance_id)
        del self._profiles[instance_id]
        self._tell("NF_DEREGISTERED", instance_id)
        return Response(204)

    # --- subscriptions ----------------------------------------------------------------------------------------------

    async def _subscribe(self, request: Request) -> Response:
        value = request.json_object(self._box.current.sbi)
        uri, condition = value.get("nfStatusNotificationUri"), value.get("subscrCond")
        watched = condition.get("nfInstanceId") if isinstance(condition, dict) else None
        if not isinstance(uri, str) or not isinstance(watched, str) or not may_notify(uri):
            raise refused(400, "MANDATORY_IE_INCORRECT", "nfStatusNotificationUri or subscrCond is not right")
        if len(self._subscriptions) >= MAX_PROFILES:
            raise refused(500, "INSUFFICIENT_RESOURCES", "too many subscriptions")
        name = str(uuid.uuid4())
        self._subscriptions[name] = (watched, uri)
        location = f"{NRF.api_root(self._prefix)}/nnrf-nfm/v1/subscriptions/{name}"
        return json_response(201, {**value, "subscriptionId": name}, headers=(("location", location),))

    async def _unsubscribe(self, _: Request, name: str) -> Response:
        if self._subscriptions.pop(name, None) is None:
            raise refused(404, "SUBSCRIPTION_NOT_FOUND", "no such subscription")
        return Response(204)

    def _tell(self, event: str, instance_id: str) -> None:
        where = f"{NRF.api_root(self._prefix)}/nnrf-nfm/v1/nf-instances/{instance_id}"
        for watched, uri in self._subscriptions.values():
            if watched == instance_id:
                self._notifier.notify(uri, {"event": event, "nfInstanceUri": where})

    # --- discovery --------------------------------------------------------------------------------------------------

    async def _discover(self, request: Request) -> Response:
        query = dict(parse_qsl(request.query, max_num_fields=MAX_PARAMETERS))
        target, requester = query.get("target-nf-type"), query.get("requester-nf-type")
        if not target or not requester:
            raise refused(400, "MANDATORY_QUERY_PARAM_MISSING", "target-nf-type and requester-nf-type are needed")
        policy = self._box.current.sbi
        if policy.nrf_check_discovery and requester not in request.peer.nf_types:
            raise refused(403, "REQUESTER_NOT_ALLOWED", "requester-nf-type is not the certificate's")
        found = [
            profile
            for profile in self._profiles.values()
            if profile["nfType"] == target
            and (
                not policy.nrf_check_discovery
                or any(requester in service["allowedNfTypes"] for service in profile["nfServices"])
            )
        ]
        if not found and any(profile["nfType"] == target for profile in self._profiles.values()):
            raise refused(403, "REQUESTER_NOT_ALLOWED", "this NF type may not discover that one")
        return json_response(200, {"validityPeriod": 60, "nfInstances": found})

    def _check_owner(self, request: Request, instance_id: str, policy: SbiPolicy) -> None:
        if not UUID.fullmatch(instance_id):
            raise refused(400, "MANDATORY_IE_INCORRECT", "the NF instance id is not a UUID")
        if policy.nrf_check_profile_owner and instance_id != request.peer.instance_id:
            raise refused(403, "MODIFICATION_NOT_ALLOWED", "the profile is another NF's")

    def _find(self, instance_id: str) -> dict[str, Any]:
        if instance_id not in self._profiles:
            raise refused(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND", "no such NF is registered")
        return self._profiles[instance_id]


def profile_of(nf: Nf, prefix: str) -> dict[str, Any]:
    """Return the NFProfile of a lab NF (the attributes that the lab needs)."""
    return {
        "nfInstanceId": nf.instance_id,
        "nfType": nf.nf_type,
        "nfStatus": "REGISTERED",
        "fqdn": nf.fqdn,
        "ipv4Addresses": [nf.address(prefix)],
        "plmnList": [PLMN],
        "nfServices": [
            {
                "serviceInstanceId": service.name,
                "serviceName": service.name,
                "versions": [{"apiVersionInUri": "v1", "apiFullVersion": "1.0.0"}],
                "scheme": "https",
                "nfServiceStatus": "REGISTERED",
                "ipEndPoints": [{"ipv4Address": nf.address(prefix), "transport": "TCP", "port": SBI_PORT}],
                "allowedNfTypes": list(service.allowed_nf_types),
                "oauth2Required": nf is not NRF,
            }
            for service in nf.services
        ],
    }


def _is_service(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("serviceName"), str)
        and isinstance(entry.setdefault("allowedNfTypes", []), list)
    )


def _form(body: bytes, *, strict: bool) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=MAX_PARAMETERS
        )
    except ValueError as error:
        raise _oauth("invalid_request", "the form cannot be read") from error
    form = dict(pairs)
    if strict and len(form) != len(pairs):
        raise _oauth("invalid_request", "a parameter is given twice")
    return form


def _plmn(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _oauth(error: str, description: str) -> Refused:
    value = {"error": error, "error_description": description}
    return Refused(json_response(400, value, headers=NO_STORE))
