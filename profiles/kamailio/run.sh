#!/bin/sh
# make run-real: starts each configuration of the real lab, runs the purposes that apply to it, stops it, and compares
# the verdicts with those that were looked at by hand (expected-*.json).
#
#     run.sh [CONFIGURATION...]              registrar, default, hardened, ipsec, e2dce, datachannel; all if none is named
#     run.sh --update CONFIGURATION...       the same, and writes what is new or changed into expected-*.json
#     run.sh --keep CONFIGURATION            starts it and leaves it running in the foreground (make lab-real)
#     run.sh --steady COUNT CONFIGURATION    runs it again and again and says whose verdict changed (make steady)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

"$here/install.sh"
python=.venv-real/bin/python
up="$python $here/lab/up.py"

update=
one() { # CONFIGURATION FOLDER [EXPECTED]
    profile=profiles/kamailio-$1.yaml
    [ "$1" = registrar ] && profile=profiles/kamailio.yaml
    only= # all else is as in hardened
    [ "$1" = ipsec ] && only="--family GM-AGREE --family GM-ESP"
    # shellcheck disable=SC2086 # a list of words
    $python "$here/lab/verdicts.py" --dir "$2" --lab "$up $1" $update --expected "$here/expected-${3:-$1}.json" \
        -- .venv/bin/imsproof run "$profile" $only
}

folder() { echo "reports/real-lab/$(date -u +%Y%m%dT%H%M%S)-$$-$1"; }

if [ "${1:-}" = --keep ]; then
    exec $up "${2:-default}"
fi

if [ "${1:-}" = --steady ]; then
    mkdir -p reports/real-lab
    folders=
    for number in $(seq "$2"); do
        new=$(folder "$3")-$number
        folders="$folders $new"
        status=0
        one "$3" "$new" >"$new.log" 2>&1 || status=$?
        echo "$3, run $number of $2: exit status $status, load $(cut -d' ' -f1 /proc/loadavg)"
    done
    exec $python "$here/lab/steady.py" $folders
fi

if [ "${1:-}" = --update ]; then
    update=--update
    shift
fi
worst=0
for configuration in ${*:-registrar default hardened ipsec e2dce datachannel}; do
    new=$(folder "$configuration")
    expected=$configuration
    if [ "$configuration" = ipsec ]; then # by whether this kernel has ESP
        has=0
        $python "$here/lab/netns.py" || has=$?
        case $has in
        0) expected=esp ;;
        2)
            echo "real lab: ipsec: SKIPPED: it needs a network namespace of its own"
            continue
            ;;
        esac
    fi
    one "$configuration" "$new" "$expected" || {
        status=$?
        [ "$status" -gt "$worst" ] && worst=$status
    }
    .venv/bin/python "$here/lab/agree.py" "$new" || worst=$((worst > 1 ? worst : 1))
done
exit "$worst"
