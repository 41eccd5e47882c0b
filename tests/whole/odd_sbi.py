"""Starts SBI nodes of any manners, one for each trait, in a process of their own (odd_producer.py, odd_nrf.py)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import sys
from pathlib import Path

from tests.whole import odd_nrf, odd_pki, odd_producer
from tests.whole.odd_http2 import Connection

Node = odd_producer.Producer | odd_nrf.Nrf


def tls(traits: frozenset[str], folder: Path, usual: str) -> ssl.SSLContext:
    """What a node speaks; ``usual`` is the name of its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    name = next((one for one in ("p384", "rsa", "ed25519", "below") if one in traits), usual)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    context.load_verify_locations(folder / "ca.pem")
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if "tls13" in traits else ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2 if "tls12" in traits else ssl.TLSVersion.TLSv1_3
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["h2"])
    context.verify_mode = ssl.CERT_OPTIONAL if traits & {"asks-only", "any-client"} else ssl.CERT_REQUIRED
    if "no-client" in traits:
        context.verify_mode = ssl.CERT_NONE
    if "no-tickets" in traits:
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
    if "retry" in traits:
        context.set_ecdh_curve("prime256v1")
    if "tls11" in traits:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    if "cbc" in traits:
        context.set_ciphers("ECDHE+AESGCM:ECDHE+AES:@SECLEVEL=0")
    if "sni-needed" in traits:
        context.sni_callback = lambda _, name, __: (
            None if name == "producer.odd.example" else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        )
    return context


async def start(node: Node, usual: str) -> int:
    """Start a node, and say at which port."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ValueError, OSError):  # who left before the handshake was done
            await Connection(node.traits, node.answer, reader, writer).run()

    server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls(node.traits, node.folder, usual))
    node.port = int(server.sockets[0].getsockname()[1])
    return node.port


async def serve(folder: Path) -> dict[str, dict[str, int]]:
    """Start one node of each trait, and say where they are."""
    ports: dict[str, dict[str, int]] = {"producers": {}, "nrfs": {}}
    for trait in (*odd_producer.RIGHT, *odd_producer.WRONG):
        more = {"cca"} if trait.startswith("cca") else set()
        ports["producers"][trait] = await start(odd_producer.Producer(frozenset({trait, *more}), folder), "server")
    for trait in (*odd_nrf.RIGHT, *odd_nrf.WRONG):
        ports["nrfs"][trait] = await start(odd_nrf.Nrf(frozenset({trait}), folder), "nrf")
    return ports


async def main() -> None:
    """Write keys and certificates into the folder that is named, and serve until standard input ends."""
    folder = Path(sys.argv[1])
    odd_pki.write(folder)
    print(json.dumps(await serve(folder)), flush=True)  # noqa: T201 - says where it is
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
