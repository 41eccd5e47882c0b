"""The configurations of the real lab: which programs, in which order, with which files."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import probes
from program import LabError, Program

if TYPE_CHECKING:
    from collections.abc import Callable

Stages = list[list[Program]]
DOMAIN = "ims.real.example"
SERVERS = {"pcscf": 10, "nginx": 60, "nghttpx": 61}
"""Names in server certificates, and the last byte of their addresses."""
ICSCF, SCSCF, HSS, AGW, IMSAS, PRODUCER, MF = 20, 30, 40, 50, 70, 62, 80
TESTER = 1
MODULES = ("/usr/lib/x86_64-linux-gnu/kamailio/modules", "/usr/lib/aarch64-linux-gnu/kamailio/modules")


@dataclass(frozen=True)
class Place:
    """Where a lab runs.

    Attributes:
        prefix: first three bytes of its addresses, as ``127.50.1``.
        folder: its keys, logs and configurations as used.
        home: ``profiles/kamailio``.
    """

    prefix: str
    folder: Path
    home: Path

    def address(self, last: int) -> str:
        """Return an address of the lab."""
        return f"{self.prefix}.{last}"

    def servers(self) -> dict[str, str]:
        """Return what gets a server certificate."""
        return {name: self.address(last) for name, last in SERVERS.items()}

    def render(self, file: str, name: str | None = None, **words: str) -> Path:
        """Write a configuration with its @WORDS@ put in and return where."""
        words = {"PREFIX": self.prefix, "RUN": str(self.folder), "MODULES": _modules(), "DOMAIN": DOMAIN, **words}
        text = (self.home / "conf" / file).read_text()
        for word, value in words.items():
            text = text.replace(f"@{word}@", value)
        target = self.folder / (name or file)
        target.write_text(text)
        return target


def _modules() -> str:
    found = next((path for path in MODULES if Path(path).is_dir()), None)
    if found is None:
        raise LabError("Kamailio's modules are not installed (profiles/kamailio/install.sh)")
    return found


def _binary(name: str, package: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise LabError(f"{name} is not installed (Debian package {package}; profiles/kamailio/install.sh)")
    return found


def kamailio(
    place: Place,
    name: str,
    config: Path,
    last: int,
    *,
    shared: int = 64,
    defines: tuple[str, ...] = (),
    associations: bool = False,
) -> Program:
    """Describe one Kamailio; ``shared`` is its shared memory in MB."""
    run = place.folder / f"run-{name}"
    run.mkdir()
    memory = ["-m", str(shared), "-M", "8"]
    argv = [_binary("kamailio", "kamailio"), "-DD", "-E", "-f", str(config), "-Y", str(run), *memory]
    argv += [word for name in defines for word in ("-A", name)]
    control, kamcmd = place.folder / f"{name}.ctl", _binary("kamcmd", "kamailio")

    def ready() -> bool:
        if not probes.sip(place.address(last), 5060, source=place.address(TESTER)):
            return False
        return name not in {"icscf", "scscf"} or probes.diameter_open(kamcmd, str(control))

    return Program(name, argv, ready, patient=True, associations=associations)


def nginx(place: Place, tls: str, behind: str) -> Program:
    """Describe nginx with lines on TLS, and what it passes requests to."""
    config = place.render("nginx-front.conf", "nginx.conf", TLS=tls, BEHIND=behind)
    argv = [_binary("nginx", "nginx-light"), "-p", str(place.folder), "-c", str(config), "-e", "stderr"]
    if os.geteuid() == 0:
        argv += ["-g", "user root;"]
    return Program("nginx", argv, partial(probes.tls, place.address(SERVERS["nginx"]), 8443))


DEBIAN_TLS = "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on;"
"""What Debian's /etc/nginx/nginx.conf says."""


def nghttpx(place: Place) -> Program:
    """Describe nghttpx in front of the producer."""
    argv = [_binary("nghttpx", "nghttp2-proxy"), f"--conf={place.render('nghttpx.conf')}"]
    return Program("nghttpx", argv, partial(probes.tcp, place.address(SERVERS["nghttpx"]), 8443))


def producer(place: Place) -> Program:
    """Describe the SBI producer behind the fronts."""
    script, key = str(place.home / "lab" / "producer.py"), str(place.folder / "pki" / "token.pub")
    argv = [sys.executable, script, "--bind", place.address(PRODUCER), "--token-key", key]
    return Program("producer", argv, partial(probes.tcp, place.address(PRODUCER), 8080))


def media_function(place: Place) -> Program:
    """Describe the data-channel media function."""
    installed = Path(sys.prefix) / "mf"  # where its packages are: beside the lab's own Python
    if not (installed / "node_modules").is_dir():
        raise LabError("werift is not installed (profiles/kamailio/install.sh; it needs node 18 or newer, and npm)")
    for script in (place.home / "mf").glob("*.mjs"):
        if not (installed / script.name).exists() or not filecmp.cmp(script, installed / script.name, shallow=False):
            shutil.copy(script, installed)
    address = place.address(MF)
    argv = [_binary("node", "nodejs"), str(installed / "mf.mjs"), address, "8081"]
    return Program("mf", argv, partial(probes.tcp, address, 8081))


def datachannel(place: Place) -> Stages:
    """Describe a data-channel media function alone on a bench."""
    return [[media_function(place)]]


def registrar(place: Place) -> Stages:
    """One Kamailio as digest registrar, one nginx as HTTP/2 front."""
    place.render("tls.cfg")
    return [
        [
            kamailio(place, "registrar", place.render("registrar.cfg"), SERVERS["pcscf"]),
            nginx(place, "", f"http://{place.address(SERVERS['nginx'])}:8080"),
        ]
    ]


def hss(place: Place, *, anchored: bool) -> Program:
    """Describe the HSS."""
    imsas = f"sip:{place.address(IMSAS)}:5060"
    trigger = {"method": "INVITE", "case": "0", "media": ".*webrtc-datachannel.*", "server": imsas}
    subscribers = json.loads((place.home / "conf" / "subscribers.json").read_text())
    config = {
        "host": place.address(HSS),
        "realm": DOMAIN,
        "scscf": f"sip:{place.address(SCSCF)}:5060",
        "subscribers": [{**subscriber, "triggers": [trigger] if anchored else []} for subscriber in subscribers],
    }
    path = place.folder / "hss.json"
    path.write_text(json.dumps(config))
    script = str(place.home / "lab" / "hss.py")
    argv = [sys.executable, script, "--bind", place.address(HSS), "--config", str(path)]
    return Program("hss", argv, partial(probes.tcp, place.address(HSS), 3868))


def rtpengine(place: Place) -> Program:
    """Describe rtpengine in user space."""
    address = place.address(AGW)
    argv = [_binary("rtpengine", "rtpengine-daemon"), "--config-file=none", "--table=-1", f"--interface={address}"]
    argv += [f"--listen-ng={address}:2223", "--port-min=30000", "--port-max=30999", "--num-threads=2"]
    argv += ["--foreground", "--log-stderr", "--log-level=6", f"--pidfile={place.folder / 'rtpengine.pid'}"]
    return Program("rtpengine", argv, partial(probes.ng, address, 2223))


def core(
    place: Place, *, hardened: bool, anchored: bool = False, patched: bool = True, protected: bool = False
) -> Stages:
    """P-, I- and S-CSCF, HSS, rtpengine, and an SBI producer behind a front.

    ``anchored``: an IMS AS and its media function too. ``patched``: faults of the S-CSCF are kept from showing.
    ``protected``: the P-CSCF offers ipsec-3gpp; the lab has to be in a network namespace of its own (:mod:`netns`).
    """
    wanted = {"HARDENED": hardened, "UNPATCHED": not patched, "IPSEC": protected}
    defines = tuple(name for name, on in wanted.items() if on)
    tls = place.render("tls-hardened.cfg" if hardened else "tls-default.cfg").name
    for node, last in (("icscf", ICSCF), ("scscf", SCSCF)):
        place.render("cdp.xml", f"{node}.xml", NODE=node, ADDRESS=place.address(last))
    _tables(place)
    flags = "strict-source" if hardened else ""
    pcscf = place.render("pcscf.cfg", TLS=tls, RTPENGINE=flags)
    icscf, scscf = place.render("icscf.cfg"), place.render("scscf.cfg")
    front = nghttpx(place) if hardened else nginx(place, DEBIAN_TLS, f"http://{place.address(PRODUCER)}:8080")
    application = (
        [kamailio(place, "imsas", place.render("imsas.cfg"), IMSAS), media_function(place)] if anchored else []
    )
    return [
        [hss(place, anchored=anchored), rtpengine(place), producer(place), front],
        [
            kamailio(
                place,
                "pcscf",
                pcscf,
                SERVERS["pcscf"],
                shared=256 if protected else 64,  # a process for each of many ports, and TLS wants some for each
                defines=defines,
                associations=protected,
            ),
            kamailio(place, "icscf", icscf, ICSCF, shared=128, defines=defines),
            kamailio(place, "scscf", scscf, SCSCF, shared=128, defines=defines),
            *application,
        ],
    ]


def _tables(place: Place) -> None:
    """Write the database of the I-CSCF (it must have one, although the HSS names the S-CSCF) and of secfilter."""
    scscf = f"sip:{place.address(SCSCF)}:5060".replace(":", "\\:")
    tables = {
        "icscf-db/s_cscf": ["id(int) name(string) s_cscf_uri(string)", f"1:scscf:{scscf}"],
        "icscf-db/s_cscf_capabilities": ["id(int) id_s_cscf(int) capability(int)", "1:1:0"],
        "icscf-db/nds_trusted_domains": ["id(int) trusted_domain(string)", f"1:{DOMAIN}"],
        "pcscf-db/version": ["table_name(string) table_version(int)", "secfilter:1"],
        "pcscf-db/secfilter": ["id(int,auto) action(int) type(int) data(string)", "1:0:0:friendly-scanner"],
    }
    for name, lines in tables.items():
        path = place.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([*lines, ""]))


CONFIGURATIONS: dict[str, Callable[[Place], Stages]] = {
    "registrar": registrar,
    "default": partial(core, hardened=False),
    "hardened": partial(core, hardened=True),
    "unpatched": partial(core, hardened=True, patched=False),
    "e2dce": partial(core, hardened=True, anchored=True),
    "ipsec": partial(core, hardened=True, protected=True),
    "datachannel": datachannel,
}
OWN_NAMESPACE = {"ipsec"}
"""Configurations that make IPsec associations, which belong to the whole machine outside a namespace."""
