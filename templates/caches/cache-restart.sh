#!/bin/sh
# Restarts a cache, unless it would not come up again. $1 the container
. /usr/local/lib/containerd-fleet/caches.sh
container=$1
ours
take "the restart of $container" "${WAIT_SECONDS:-30}"
respect_lock
[ ! -e "$kept/stopped/$container" ] || skip "somebody died over it; cache-guard starts it again"
running || broken "it does not run"
boots_again || skip "it would not start again: $why"
settle || skip "it is being filled"
away
back || broken "it does not start"
serves || broken "it does not serve again"
say "restarted"
