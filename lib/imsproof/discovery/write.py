"""A profile made of what was discovered: a draft with comments on what only its owner can fill in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, get_args

from imsproof.profile.gm import DigestAlgorithm

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from imsproof.discovery.look import Discovery
    from imsproof.discovery.sip import SipFound


def profile_text(name: str, found: Sequence[Discovery], *, authorised_by: str, until: date, domain: str = "") -> str:
    """Write the draft as YAML; it loads as it is, and says in comments what would make more purposes apply."""
    hosts = ", ".join(f"{one.host}/{128 if ':' in one.host else 32}" for one in found)
    lines = [
        "# Written by imsproof profile new --from; look at each line before you trust it.",
        f"name: {name}",
        "scope:",
        "  # where calls lead to (media gateways, media functions) belongs here, too, if you may test it",
        f"  networks: [{', '.join(json.dumps(part) for part in hosts.split(', '))}]",
        f"  authorised_by: {json.dumps(authorised_by)}",
        f"  until: {until.isoformat()}",
    ]
    if any(one.sip for one in found):
        lines += _gm(found, domain)
    if any(one.tls for one in found):
        lines += _sbi(found)
    return "\n".join(lines) + "\n"


def _gm(found: Sequence[Discovery], domain: str) -> list[str]:
    first, *others = sorted((one for one in found if one.sip), key=_likeness_to_a_p_cscf, reverse=True)
    nodes = {node.transport: node for node in reversed(first.sip)}
    challenging = next((node for node in first.sip if node.algorithms), None)
    home = domain or (challenging.realm if challenging else "") or first.sip[0].domain
    lines = ["gm:", f"  domain: {json.dumps(home)}"]
    if challenging and challenging.realm not in {"", home}:
        lines.append(f"  realm: {json.dumps(challenging.realm)}")
    lines += [f"  {name}: {json.dumps(_text(nodes[name]))}" for name in ("udp", "tcp", "tls") if name in nodes]
    mechanisms = [m for m in ("ipsec-3gpp", "tls") if any(m in node.sec_agree for node in first.sip)]
    if mechanisms:
        lines.append(f"  sec_agree: [{', '.join(mechanisms)}]")
    methods = next((", ".join(node.methods) for node in first.sip if node.methods), "")
    lines += [f"  # it says that it allows {methods}"] if methods else []
    if "tls" in nodes:
        names = ", ".join(nodes["tls"].names) or "nobody"
        lines.append("  # tls_ca: path of the CA of its certificate")
        lines.append(f"  # tls_server_name: what UEs are told that it is called (its certificate is for {names})")
    return [*lines, *_subscribers(first.sip), *_elsewhere(others)]


def _likeness_to_a_p_cscf(one: Discovery) -> tuple[bool, int]:
    """UEs are challenged there, and it has transports that a core's other nodes need not have."""
    return any(node.algorithms for node in one.sip), len({node.transport for node in one.sip})


def _subscribers(nodes: Sequence[SipFound]) -> list[str]:
    algorithms = ", ".join(dict.fromkeys(one for node in nodes for one in node.algorithms))
    lines = [f"  # challenges seen: {algorithms or 'none'}. Most purposes need subscribers:"]
    refused = next((node for node in nodes if node.refused), None)
    if not algorithms and refused is not None:
        lines.insert(0, f"  # a REGISTER for {refused.domain} was answered {refused.refused}: is the domain right?")
        lines.insert(1, "  # (a core may also challenge nobody but its subscribers)")
    secrets = (
        ['  #     k: "${env:LAB_K_A}"', '  #     opc: "${env:LAB_OPC_A}"']
        if any(node.auth == "aka" for node in nodes)
        else ['  #     password: "${env:LAB_PASSWORD_A}"' + ("" if algorithms else "  (with IMS AKA: k and opc)")]
    )
    secrets += [f"  #     algorithm: {algorithms}"] if algorithms in get_args(DigestAlgorithm) else []
    names = ["  #   - name: a", "  #     impi: ...  (the digest's user name)", '  #     impus: ["sip:..."]']
    return [*lines, "  # subscribers:", *names, *secrets]


def _elsewhere(others: Sequence[Discovery]) -> list[str]:
    """Other hosts with SIP: in an IMS core these are CSCFs that a UE must not reach past the P-CSCF."""
    if not others:
        return []
    lines = ["# SIP was found elsewhere too. Those of your core that are I-CSCF and S-CSCF go here:", "# mw:"]
    return [*lines, *(f"#   icscf or scscf: {json.dumps(_text(one.sip[0]))}" for one in others)]


def _sbi(found: Sequence[Discovery]) -> list[str]:
    lines = ["sbi:", "  # ca: path of the CA of these servers", "  producers:"]
    servers = [server for one in found for server in one.tls]
    nrf = next((server for server in servers if server.nrf), None)
    producers = [server for server in servers if server is not nrf]
    for number, server in enumerate(producers or servers, 1):
        host, port = server.address
        lines += [
            f"    - name: server-{number}",
            f"      url: https://{f'[{host}]' if ':' in host else host}:{port}",
        ]
        fqdn = next((name for name in server.names if "." in name and not name.startswith(("urn:", "IP:"))), "")
        if fqdn:
            lines.append(f"      fqdn: {json.dumps(fqdn)}")
        if fqdn.startswith("nrf"):
            lines.append("      # by its name this is an NRF: it belongs under sbi.nrf (url, instance_id, fqdn)")
        if server.alpn != "h2":
            lines.append('      http: "1.1" # ALPN chose no h2: purposes on HTTP/2 do not apply')
        lines += [
            (
                f"      # seen: {', '.join(server.versions)}; {server.suite};"
                f" ALPN {server.alpn or 'none'}; {server.answer}"
            ),
            "      requires_token: false # true, and sbi.tokens, when it asks for access tokens",
            "      # nf_type: MF # and instance_id, apis: [nmf-mrm]: whom tokens are for",
            "      # probe: {method: GET, path: /, expect: [200]} # a request that it accepts: the control of refusals",
        ]
    if nrf is not None and producers:
        host, port = nrf.address
        lines += ["  nrf:", f"    url: https://{f'[{host}]' if ':' in host else host}:{port}"]
    wanted = any(server.answer.startswith("alert") for server in servers)
    remark = "; without one it ends the handshake, and little can be decided" if wanted else ""
    lines += [
        f"  # consumers: a client certificate that it trusts{remark}",
        "  #   - {name: a, certificate: a.pem, key: a.key}",
    ]
    return lines


def _text(node: SipFound) -> str:
    host, port = node.address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
