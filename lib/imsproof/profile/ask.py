"""The questions of ``imsproof profile new``, as data, and the profile that their answers make.

Who asks (a prompt, a form) is elsewhere. A question's key is the field that its answer goes to, so that the profile is
the answers, nested. Secrets are never asked for: the answer is the name of the environment variable that holds it.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from imsproof.profile.gm import Impu, SipUri
from imsproof.profile.kinds import Address, HttpUrl, Text
from imsproof.profile.model import Profile
from imsproof.profile.sbi import InstanceId, NfType
from imsproof.profile.scope import CidrNetwork

Answers = dict[str, str]
"""Answers by the question's key; ``""`` or nothing when it was left out."""

YES, NO = "yes", "no"


class Kind(StrEnum):
    """What an answer looks like."""

    TEXT = "text"
    YES_NO = "yes or no"
    CHOICE = "choice"
    NAME = "name"
    NETWORKS = "address ranges"
    DATE = "date"
    ADDRESS = "address and port"
    URL = "URL"
    PATH = "path"
    VARIABLE = "environment variable"
    SIP_URI = "SIP or tel URI"
    IMPU = "public identity"
    NF_TYPE = "NF type"
    UUID = "UUID"
    LIST = "list"
    WORDS = "command"


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        key: dotted field of the profile that the answer goes to; with ``?`` in front it only decides what comes next.
        text: the question, for people.
        kind: form of the answer.
        default: answer when the user just presses return; ``""`` leaves the field out, unless ``required``.
        choices: allowed answers of a choice.
        required: whether an answer is needed.
        asked_if: key and answer of an earlier question that must be so for this one to be asked.
    """

    key: str
    text: str
    kind: Kind = Kind.TEXT
    default: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False
    asked_if: tuple[str, str] | None = None

    def asked(self, answers: Answers) -> bool:
        """Say whether the question is to be asked, given the answers so far."""
        if self.asked_if is None:
            return True
        key, answer = self.asked_if
        return answers.get(key) == answer and any(gate.asked(answers) for gate in QUESTIONS if gate.key == key)

    def wrong_with(self, answer: str) -> str:
        """Say what is wrong with an answer, for people; ``""`` when it is fine."""
        answer = answer.strip()
        if not answer:
            return "an answer is needed" if self.required else ""
        match self.kind:
            case Kind.YES_NO:
                return "" if answer in {YES, NO} else "yes or no"
            case Kind.CHOICE:
                return "" if answer in self.choices else f"one of {', '.join(self.choices)}"
            case Kind.NETWORKS:
                return next((wrong for part in _parts(answer) if (wrong := _wrong_form(self.kind, part))), "")
        return _wrong_form(self.kind, answer)


def _subscriber(index: int, gate: tuple[str, str]) -> tuple[Question, ...]:
    at = f"gm.subscribers.{index}"
    kind = f"?{at}.kind"
    letter = "AB"[index]
    return (
        Question(f"{at}.name", "A short name for the subscriber", Kind.TEXT, letter.lower(), (), True, gate),
        Question(f"{at}.impi", "Private identity (user@domain)", Kind.TEXT, required=True, asked_if=gate),
        Question(f"{at}.impus", "Public identity (sip:... or tel:...)", Kind.IMPU, required=True, asked_if=gate),
        Question(kind, "How does it authenticate?", Kind.CHOICE, "aka", ("aka", "digest"), True, gate),
        Question(f"{at}.k", "Variable that holds K", Kind.VARIABLE, f"K_{letter}", (), True, (kind, "aka")),
        Question(f"{at}.opc", "Variable that holds OPc", Kind.VARIABLE, f"OPC_{letter}", (), True, (kind, "aka")),
        Question(
            f"{at}.password",
            "Variable that holds the password",
            Kind.VARIABLE,
            f"PASSWORD_{letter}",
            (),
            required=True,
            asked_if=(kind, "digest"),
        ),
        Question(f"{at}.data_channel", "May it use data channels?", Kind.YES_NO, NO, asked_if=gate),
    )


_GM, _SBI, _CONSUMER, _DC, _NRF, _KEY = (
    ("?gm", YES),
    ("?sbi", YES),
    ("?sbi.consumers.0", YES),
    ("?dc", YES),
    ("?sbi.tokens", "nrf"),
    ("?sbi.tokens", "key"),
)

QUESTIONS: tuple[Question, ...] = (
    Question("name", "Short name of the lab", Kind.NAME, required=True),
    Question("description", "What is it?"),
    Question("scope.networks", "Address ranges that may be touched (CIDR, commas)", Kind.NETWORKS, required=True),
    Question("scope.authorised_by", "Who authorised the tests?", required=True),
    Question("scope.until", "Until which day (YYYY-MM-DD)?", Kind.DATE, required=True),
    Question("?gm", "Does it have SIP access (a P-CSCF or a registrar)?", Kind.YES_NO, YES),
    Question("gm.domain", "Home network domain", Kind.TEXT, required=True, asked_if=_GM),
    Question("gm.udp", "SIP over UDP (address:port)", Kind.ADDRESS, asked_if=_GM),
    Question("gm.tcp", "SIP over TCP (address:port)", Kind.ADDRESS, asked_if=_GM),
    Question("gm.tls", "SIP over TLS (address:port)", Kind.ADDRESS, asked_if=_GM),
    Question("gm.far_end.uri", "A UE of the lab that takes calls (sip:... or tel:...)", Kind.SIP_URI, asked_if=_GM),
    Question("?gm.subscribers.0", "May the tester play a subscriber?", Kind.YES_NO, YES, asked_if=_GM),
    *_subscriber(0, ("?gm.subscribers.0", YES)),
    Question("?gm.subscribers.1", "And a second one?", Kind.YES_NO, NO, asked_if=("?gm.subscribers.0", YES)),
    *_subscriber(1, ("?gm.subscribers.1", YES)),
    Question("?sbi", "Does it have service-based interfaces (or an HTTP/2 front)?", Kind.YES_NO, NO),
    Question("sbi.ca", "File with the CA of its servers (PEM)", Kind.PATH, asked_if=_SBI),
    Question("sbi.producers.0.name", "A short name for the producer", Kind.TEXT, "producer", (), True, _SBI),
    Question("sbi.producers.0.url", "Its URL (https://address:port)", Kind.URL, required=True, asked_if=_SBI),
    Question("sbi.producers.0.fqdn", "Its name in the certificate", asked_if=_SBI),
    Question("sbi.producers.0.nf_type", "Its NF type, as MF", Kind.NF_TYPE, asked_if=_SBI),
    Question("sbi.producers.0.apis", "Its APIs, as nmf-mrm (commas)", Kind.LIST, asked_if=_SBI),
    Question("sbi.producers.0.probe.path", "Path of a GET that it answers with 2xx", Kind.TEXT, asked_if=_SBI),
    Question("sbi.producers.0.requires_token", "Does it require access tokens?", Kind.YES_NO, YES, asked_if=_SBI),
    Question("?sbi.consumers.0", "Do you have a client certificate that it trusts?", Kind.YES_NO, YES, asked_if=_SBI),
    Question("sbi.consumers.0.name", "A short name for the client", Kind.TEXT, "consumer", (), True, _CONSUMER),
    Question(
        "sbi.consumers.0.certificate",
        "File with its certificate (PEM)",
        Kind.PATH,
        required=True,
        asked_if=_CONSUMER,
    ),
    Question("sbi.consumers.0.key", "File with its key (PEM)", Kind.PATH, required=True, asked_if=_CONSUMER),
    Question("sbi.consumers.0.nf_type", "Its NF type, as AS", Kind.NF_TYPE, asked_if=_CONSUMER),
    Question(
        "?sbi.tokens",
        "Where do access tokens come from?",
        Kind.CHOICE,
        "none",
        ("none", "nrf", "key"),
        asked_if=_CONSUMER,
    ),
    *(
        Question("sbi.consumers.0.instance_id", "NF instance id of the client", Kind.UUID, required=True, asked_if=gate)
        for gate in (_NRF, _KEY)
    ),
    Question("sbi.nrf.url", "URL of the NRF (https://address:port)", Kind.URL, required=True, asked_if=_NRF),
    Question("sbi.tokens.key", "File with the key that signs tokens (PEM)", Kind.PATH, required=True, asked_if=_KEY),
    Question("?dc", "Is there a data-channel peer that takes an offer from a command?", Kind.YES_NO, NO),
    Question(
        "dc.hook.command", "The command; {sdp_file} stands for the offer", Kind.WORDS, required=True, asked_if=_DC
    ),
    Question(
        "dc.hook.answer.sdp",
        "Where in its output is the answer (whole, $.json.path, regular expression)?",
        Kind.TEXT,
        "whole",
        (),
        required=True,
        asked_if=_DC,
    ),
)
"""All questions, in their order."""

_FORMS: dict[Kind, Any] = {
    Kind.TEXT: Text,
    Kind.NAME: Profile.model_fields["name"].rebuild_annotation(),
    Kind.DATE: date,
    Kind.ADDRESS: Address,
    Kind.URL: HttpUrl,
    Kind.SIP_URI: SipUri,
    Kind.IMPU: Impu,
    Kind.NF_TYPE: NfType,
    Kind.UUID: InstanceId,
    Kind.NETWORKS: CidrNetwork,
    Kind.VARIABLE: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")],
    Kind.WORDS: Annotated[str, AfterValidator(lambda answer: str(_words(answer)))],
}
_EXAMPLES = {
    Kind.NAME: "letters, digits, dot and dash",
    Kind.DATE: "a date as 2027-01-31",
    Kind.SIP_URI: "a URI as sip:user@domain or tel:+49301234",
    Kind.IMPU: "a URI as sip:user@domain or tel:+49301234",
    Kind.NF_TYPE: "capital letters, as MF",
    Kind.UUID: "a UUID",
    Kind.VARIABLE: "the name of an environment variable, as K_A (not the secret itself)",
}


def _wrong_form(kind: Kind, answer: str) -> str:
    if kind not in _FORMS:
        return ""
    try:
        TypeAdapter(_FORMS[kind]).validate_python(answer)
    except ValidationError as error:
        return _EXAMPLES.get(kind) or error.errors()[0]["msg"].removeprefix("Value error, ")
    return ""


def _words(answer: str) -> list[str]:
    try:
        return shlex.split(answer)
    except ValueError as error:
        raise ValueError(f"a command with its words as in a shell ({error})") from None


def write_profile(answers: Answers) -> str:
    """Write the profile that the answers make, as YAML text. Answers to questions that do not apply are ignored."""
    root: dict[str, Any] = {"imsproof": 1}
    for question in QUESTIONS:
        answer = answers.get(question.key, "").strip()
        if question.key.startswith("?") or not answer or not question.asked(answers):
            continue
        _put(root, question.key.split("."), _value(question, answer))
    if "dc" in root:
        root["dc"] = {"via": "hook", **root["dc"]}
    tokens = next(question for question in QUESTIONS if question.key == "?sbi.tokens")
    if tokens.asked(answers) and (source := answers.get(tokens.key, "none")) != "none":
        root["sbi"]["tokens"] = {"from": source, **root["sbi"].get("tokens", {})}
    text: str = yaml.safe_dump(_lists(root), sort_keys=False, allow_unicode=True, width=110)
    return text


def _value(question: Question, answer: str) -> Any:
    if question.kind is Kind.YES_NO:
        return answer == YES
    if question.kind is Kind.VARIABLE:
        return f"${{env:{answer}}}"
    if question.kind is Kind.WORDS:
        return _words(answer)
    if question.kind in {Kind.NETWORKS, Kind.LIST}:
        return _parts(answer)
    return [answer] if question.kind is Kind.IMPU else answer


def _parts(answer: str) -> list[str]:
    return [part.strip() for part in answer.split(",") if part.strip()]


def _put(root: dict[str, Any], path: list[str], value: Any) -> None:
    for step in path[:-1]:
        root = root.setdefault(step, {})
    root[path[-1]] = value


def _lists(value: Any) -> Any:
    """Turn mappings whose keys are positions into lists."""
    if not isinstance(value, dict):
        return value
    items = {key: _lists(item) for key, item in value.items()}
    return list(items.values()) if items and all(key.isdigit() for key in items) else items
