#!/bin/sh
# make fuzz-real: a campaign against each target that is not ours, for a stated time each (BUDGET=60s), by volume and by
# Hypothesis; SIP targets by the named anomalies too. Names as arguments choose some. Exit status 1: something was found.
# Not among those that run by default, since they find what is known (docs/findings.md R7, R8, D1): pcscf, pion, werift-bare.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
"$here/install.sh"
budget=${BUDGET:-60s} seed=${SEED:-7} out=reports/fuzz-real
worst=0
note() { status=$1; [ "$status" -gt "$worst" ] && worst=$status; return 0; }

campaign() { # name, target, profile, what makes the cases
    set -- "$1" .venv/bin/imsproof fuzz "$3" --target "$2" --by "$4" --budget "$budget" --seed "$seed" --grow --out "$out"
    name=$1
    shift
    case $name in
    kamailio) .venv-real/bin/python profiles/kamailio/lab/up.py registrar -- "$@" || note $? ;;
    pcscf) .venv-real/bin/python profiles/kamailio/lab/up.py --starts 500 hardened -- "$@" || note $? ;;
    nginx | node) .venv/bin/python profiles/interop/up.py "$name" -- "$@" || note $? ;;
    *) .venv-real/bin/python "$here/up.py" "$name" -- "$@" || note $? ;;
    esac
}

for name in ${*:-kamailio baresip sipp rtpengine coturn nginx node}; do
    case $name in
    kamailio) target="gm-sip gm-tcp" profile=profiles/kamailio.yaml ;;
    pcscf) target="gm-sip gm-tls gm-forward" profile=profiles/kamailio-hardened.yaml ;;
    nginx | node) target="sbi sbi-json sbi-token" profile=profiles/interop/profile.yaml ;;
    pion | werift-bare | libdatachannel)
        for target in dtls sctp dcep msrp; do
            profiles/interop-dc/run.sh "$name" fuzz --target $target --budget "$budget" --seed "$seed" --grow --out "$out" || note $?
        done
        continue ;;
    baresip | sipp) target=gm-sip profile=$here/ua.yaml ;;
    rtpengine) target=ng profile=$here/ng.yaml ;;
    coturn) target=stun profile=$here/stun.yaml ;;
    *) echo "unknown target $name" >&2 && exit 2 ;;
    esac
    for one in $target; do
        for by in volume hypothesis; do campaign "$name" "$one" "$profile" "$by"; done
        case $one in gm-sip | gm-tcp | gm-tls) campaign "$name" "$one" "$profile" systematic ;; esac
    done
done
exit "$worst"
