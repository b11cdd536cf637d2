# $1 seconds since the epoch on this host's clock, or empty: only says what they are now
# $2 the repositories whose requests are wanted, with blanks in between; then containers
# The requests for them in each container's log since then, and the marks of nodes (caches/proof.py).
if [ -z "$1" ]; then
    date +%s | emit now
    exit 0
fi
since=$1 repositories=$2 most=8000000
shift 2
command -v docker >/dev/null || fail "docker is not installed here"
patterns=containerd-fleet=
for repository in $repositories; do patterns="$patterns$newline/v2/$repository/"; done
for container; do
    if ! said=$(docker logs --tail 0 "$container" 2>&1); then
        printf '%s\n' "$said" | tail -n 1 | emit "none:$container"
        continue
    fi
    found=$(docker logs --since "$since" "$container" 2>&1 | grep -F -e "$patterns" | head -c $((most + 1)))
    if [ ${#found} -le $most ]; then
        printf '%s\n' "$found" | emit "log:$container"
    else
        printf 'it has more than %s bytes of these requests; verify fewer nodes at once' $most | emit "none:$container"
    fi
done
exit 0
