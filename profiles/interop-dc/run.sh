#!/bin/sh
# Starts a data-channel peer of another stack, runs the data-channel purposes against it, and stops it.
#
#     run.sh PEER[:WRONG,...] [options of imsproof run]
#     run.sh PEER[:WRONG,...] fuzz [options of imsproof fuzz]
#
# PEER: chromium, firefox, libwebrtc, libdatachannel or werift (whole WebRTC stacks, with ICE; WRONG as in webrtc-peer.mjs),
# gstreamer (webrtcbin), janus (its echo test), pion (the same, in Go; WRONG as in pion-peer.go), werift-bare (DTLS and SCTP without ICE; WRONG as in werift-peer.mjs),
# openssl, openssl-client, mbedtls, wolfssl, or one of them with -lax (DTLS alone, started for each offer; bare-peer.py).
# What is missing is installed from npm, PyPI and Debian. Exit status: imsproof's; 4 when the peer does not start.
set -eu
cd "$(dirname "$0")"

peer=${1%%:*}
wrong=$(printf %s "${1#"$peer"}" | tr -d :)
shift
[ $# -gt 0 ] || set -- --family DC
imsproof=../../.venv/bin/imsproof
built=../../.venv-real/dc
mkdir -p $built

install() {
    case $1 in
    npm)
        [ node_modules/.package-lock.json -nt package-lock.json ] && return
        command -v npm >/dev/null || { echo "run.sh: npm is missing; install Node 20 or newer with npm" >&2; exit 4; }
        npm ci --silent --no-audit --no-fund && touch node_modules/.package-lock.json ;;
    chromium)
        command -v "${CHROMIUM:-chromium}" >/dev/null || debian chromium ;;
    firefox)
        command -v "${FIREFOX:-firefox-esr}" >/dev/null || debian firefox-esr ;;
    mbedtls)
        [ -e $built/python/mbedtls ] && return
        python3 -m venv $built/python
        $built/python/bin/python -m pip install --quiet --disable-pip-version-check python-mbedtls==2.10.1
        touch $built/python/mbedtls ;;
    wolfssl*)
        [ -e /usr/include/wolfssl/ssl.h ] && command -v cc >/dev/null || debian libwolfssl-dev gcc libc6-dev
        [ $built/wolfssl-peer -nt wolfssl-peer.c ] || cc -O1 -o $built/wolfssl-peer wolfssl-peer.c -lwolfssl ;;
    janus)
        command -v "${JANUS:-janus}" >/dev/null || debian janus ;;
    gstreamer)
        /usr/bin/python3 -c 'import gi; gi.require_version("GstWebRTC", "1.0")' 2>/dev/null && [ -e /usr/lib/*/gstreamer-1.0/libgstnice.so ] ||
            debian python3-gi gir1.2-gst-plugins-bad-1.0 gstreamer1.0-plugins-bad gstreamer1.0-nice ;;
    pion)
        [ -d /usr/share/gocode/src/github.com/pion/webrtc ] || debian golang-go golang-github-pion-webrtc.v3-dev
        [ $built/pion-peer -nt pion-peer.go ] || GO111MODULE=off GOPATH=/usr/share/gocode go build -o $built/pion-peer pion-peer.go ;;
    esac
}
debian() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "run.sh: Debian's $* is missing; install it (or name a browser's program in CHROMIUM or FIREFOX)" >&2
        exit 4
    fi
    apt-get update >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >/dev/null
}

elsewhere() { # a network of one interface, for whoever takes no address of loopback, and no way out
    [ -z "${IMSPROOF_PEER_ADDRESS:-}" ] || return 0 # there already
    export IMSPROOF_PEER_ADDRESS=198.18.0.1
    exec unshare --net --map-root-user sh -euc '
        ip link set lo up
        ip link add here type veth peer name there
        ip link set here up
        ip link set there up
        ip address add "$IMSPROOF_PEER_ADDRESS/24" dev here
        ip route add default dev here
        exec "$0" "$@"' ./run.sh "$peer${wrong:+:$wrong}" "$@"
}

node="node --max-old-space-size=512"
IMSPROOF_PEER=$peer${wrong:+-$(printf %s "$wrong" | tr , -)}
export IMSPROOF_PEER
case $peer in
openssl* | mbedtls | wolfssl*)
    install "$peer"
    IMSPROOF_PEER_PYTHON=python3
    [ "$peer" != mbedtls ] || IMSPROOF_PEER_PYTHON=$built/python/bin/python
    IMSPROOF_PEER_ROLE=passive
    [ "${peer#openssl-client}" = "$peer" ] || IMSPROOF_PEER_ROLE=active
    export IMSPROOF_PEER_PYTHON IMSPROOF_PEER_ROLE
    exec "$imsproof" run bare.yaml "$@" ;;
chromium | firefox | libwebrtc | libdatachannel | werift)
    install npm
    case $peer in chromium | firefox) install "$peer" ;; esac
    [ "$peer" != firefox ] || elsewhere "$@"
    profile=webrtc.yaml
    start() { exec $node webrtc-peer.mjs "$IMSPROOF_PEER_PORT" "$peer" "$wrong"; } ;;
pion)
    install pion
    profile=webrtc.yaml
    start() { exec $built/pion-peer "$IMSPROOF_PEER_PORT" "$wrong"; } ;;
janus)
    install janus
    elsewhere "$@"
    profile=janus.yaml
    start() { exec $node janus-peer.mjs "$IMSPROOF_PEER_PORT" "$wrong"; } ;;
gstreamer)
    install gstreamer
    profile=webrtc.yaml
    start() { exec /usr/bin/python3 gstreamer-peer.py "$IMSPROOF_PEER_PORT" "$wrong"; } ;; # its modules are Debian's
werift-bare)
    install npm
    profile=werift.yaml
    start() { exec $node werift-peer.mjs "$IMSPROOF_PEER_PORT" "$wrong"; } ;;
*)
    echo "run.sh: no peer is called $peer" >&2
    exit 2 ;;
esac

IMSPROOF_PEER_PORT=${IMSPROOF_PEER_PORT:-18090}
IMSPROOF_PEER_ADDRESS=${IMSPROOF_PEER_ADDRESS:-127.0.0.1}
IMSPROOF_PEER_DTLS=1.2
case $peer in chromium | firefox) IMSPROOF_PEER_DTLS=1.3 ;; esac
export IMSPROOF_PEER_PORT IMSPROOF_PEER_ADDRESS IMSPROOF_PEER_DTLS
log=${IMSPROOF_PEER_LOG:-$(mktemp)}
: >"$log"
serve() { # a peer that dies of a purpose comes up again for the next one
    # one that reads for ever hears no TERM
    trap 'kill "$child" || true; sleep 1; kill -9 "$child" 2>/dev/null || true; exit 0' TERM
    while :; do
        start >>"$log" 2>&1 &
        child=$!
        code=0
        wait "$child" || code=$?
        echo "run.sh: $peer has ended with status $code and is started again" >&2
        sleep 1
    done
}
serve &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; [ -n "${IMSPROOF_PEER_LOG:-}" ] || rm -f "$log"' EXIT
trap 'exit 130' INT TERM
waited=0
until grep -q ^ready "$log"; do
    if [ "$waited" -ge 100 ] || ! kill -0 "$pid" 2>/dev/null; then
        echo "run.sh: $peer does not start" >&2
        cat "$log" >&2
        exit 4
    fi
    waited=$((waited + 1))
    sleep 0.2
done
grep ^ready "$log" >&2
what=run
[ "${1:-}" != fuzz ] || { what=fuzz && shift; }
"$imsproof" "$what" "$profile" "$@"
