#!/bin/sh
# Collects what no image of a cache needs any more. $1 the container
. /usr/local/lib/containerd-fleet/caches.sh
container=$1
ours
# A collection may take four hours, and others may wait too.
take "the garbage collection of $container" "${WAIT_SECONDS:-43200}"
respect_lock
[ ! -e "$kept/stopped/$container" ] || skip "somebody died over it; cache-guard starts it again"
running || broken "it does not run"

# How it went, for whoever asks later.
ended() {
    printf '%s %s\n' "$(date +%s)" "$*" >"$kept/$container.gc"
}

# Of what is cached, in KiB.
size() {
    du -sk "${store%/repositories}" | cut -f 1
}

store=$(data)/docker/registry/v2/repositories
# A store without any repository has nothing to mark (distribution#3058).
if [ ! -d "$store" ]; then
    say "collected: nothing is cached yet"
    ended ok
    exit 0
fi
boots_again || skip "it would not start again: $why"
settle || say "it is being filled; going on"
image=$(property '{{.Image}}')
config=$(property '{{range .Mounts}}{{println .Destination}}{{end}}' | grep '/config.yml$' | head -n 1)
[ -n "$config" ] || broken "it has no config.yml"
used=$(size)
away
# 3.1 gives up at a repository of which only a manifest was asked for.
find "$store" -type d -name _manifests | while read -r directory; do mkdir -p "${directory%_manifests}_layers"; done
# Never --delete-untagged: 2.x deletes the parts of images for several platforms with it (distribution#3178).
timeout -k 10 "${GC_SECONDS:-14400}" docker run --rm --name "$container.gc" --network none --volumes-from "$container" \
    "$image" garbage-collect "$config" >"$running/$container.gc.log" 2>&1 &
wait $!
code=$?
left=$(size)
back || broken "it does not start"
serves || broken "it does not serve again"
if [ "$code" -ne 0 ]; then
    reason=$(tail -n 1 "$running/$container.gc.log" | cut -c1-300)
    ended "failed with $code: $reason"
    broken "the collection ended with $code: $reason"
fi
ended ok
say "collected: $((used - left)) KiB"
