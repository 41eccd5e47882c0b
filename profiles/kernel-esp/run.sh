#!/bin/sh
# make run-esp: what needs a kernel with ESP, in a Linux of its own.
#
#     run.sh             compares with what was looked at (../kamailio/expected-esp.json)
#     run.sh --update    writes what is new or changed into it
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

for script in profiles/kamailio/install.sh "$here/install.sh"; do
    "$script" || {
        status=$?
        [ "$status" -eq 69 ] && echo "make run-esp: SKIPPED: what it needs could not be installed here (said above)" >&2
        exit "$status"
    }
done
out=reports/kernel-esp/$(date -u +%Y%m%dT%H%M%S)-$$
SECONDS_AT_MOST=1500
status=0
"$here/boot.sh" "$out" $SECONDS_AT_MOST "$here/inside.sh" "$@" || status=$?
if [ "${1:-}" = --update ] && [ -e "$out/expected-esp.json" ]; then
    cp "$out/expected-esp.json" profiles/kamailio/
fi
echo "make run-esp: runs, keys and logs are in $out; exit status $status"
exit "$status"
