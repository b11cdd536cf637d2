# $1 container: start it, if it would boot. No maintenance lock refuses that.
. /usr/local/lib/containerd-fleet/caches.sh || fail "the scripts of the upkeep are not there"
container=$1 start=start
take "the start of $container" 300
if [ "$(property '{{.State.Status}}')" = paused ]; then
    start=unpause
else
    boots_again || fail "it would not start: $why"
fi
said=$(docker "$start" "$container" 2>&1 >/dev/null) || fail "docker $start: $(printf '%s\n' "$said" | reason)"
serves || fail "it does not answer at /v2/: $(docker logs --tail 1 "$container" 2>&1 | reason)"
say "started"
