#!/bin/sh
# Starts what a script stopped that died before it could start it again.
. /usr/local/lib/containerd-fleet/caches.sh
for stopped in "$kept/stopped"/*; do
    [ -f "$stopped" ] || exit 0
    container=${stopped##*/}
    exec 8>>"$running/lock" || exit 1
    # Whoever stopped it may still be at work.
    flock -n 8 || exit 0
    # Or has come to its end meanwhile.
    [ -f "$stopped" ] || continue
    printf '%s\n' "the start of $container" >"$running/busy"
    say "whoever stopped it did not start it again"
    back
done
