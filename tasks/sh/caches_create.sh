# $1 container  $2 image  $3 configuration  $4 its mode  $5 volume  $6 name of the cache  $7 authorities, or empty
# Standard input (wire): the configuration, the options of the trial, those of the container, a word a line.
# Whatever fails, the container that was there before serves again.
. /usr/local/lib/containerd-fleet/caches.sh || fail "the scripts of the upkeep are not there"
container=$1 image=$2 file=$3 mode=$4 volume=$5 name=$6 authorities=$7 made='' work=''

clean() {
    rm -rf "$work" "$file.new"
}

take "the deploy of $container" 300
[ ! -e "$kept/stopped/$container" ] || back ||
    fail "what another script stopped does not start: journalctl -t containerd-fleet-caches says why"
! running || respect_lock
# A signal ends it by way of EXIT, too: a password must not stay behind.
trap 'exit 1' HUP INT TERM
trap clean EXIT
rm -rf "$running"/deploy.*
work=$(mktemp -d "$running/deploy.XXXXXX") || exit 1
while read -r value key; do
    printf '%s' "${value#=}" | base64 -d >"$work/$key" || exit 1
done
[ -s "$work/options" ] && [ -s "$work/config" ] || fail "the files did not arrive whole"

# Does $1 with the words of the file $2.
with() {
    what=$1
    IFS=$newline
    set -f
    # shellcheck disable=SC2046
    set -- $(cat "$2")
    set +f
    unset IFS
    "$what" "$@"
}

trial() {
    boots "$image" "$@"
}

start() {
    docker run "$@" 2>"$work/error" >/dev/null
}

# A container that never served goes, and its configuration; one that waits comes back.
undo() {
    exists "$container.before"
    waits=$?
    if [ -n "$made" ] && [ "$waits" -eq 1 ]; then
        docker rm -f "$container" >/dev/null 2>&1
        rm -f "$file"
        [ ! -e "$file.before" ] || mv -fT "$file.before" "$file"
    fi
    clean
    # Exit code 3: what ran before does not serve.
    back || exit 3
    ! exists "$container" || serves || exit 3
}

# A predecessor that an earlier deploy could not remove.
! exists "$container" || ! exists "$container.before" || docker rm -f "$container.before" >/dev/null ||
    fail "$container.before cannot be removed"
[ -z "$authorities" ] || [ -f "$authorities" ] || fail "$authorities (the setting ca) is no file on this host"
docker image inspect "$image" >/dev/null 2>&1 || docker pull -q "$image" >/dev/null 2>"$work/error" ||
    fail "$image cannot be pulled: $(reason <"$work/error")"
docker volume inspect "$volume" >/dev/null 2>&1 ||
    docker volume create --label "containerd-fleet.cache=$name" "$volume" >/dev/null || exit 1
mkdir -p "$(dirname "$file")" && rm -f "$file.new" && (umask 077 && cat "$work/config" >"$file.new") &&
    chmod "$mode" "$file.new" && sync "$file.new" || fail "$file.new cannot be written"
with trial "$work/trial" || fail "it would not start, and nothing was changed: $why"
if [ -f "$file" ]; then
    # What a person wrote is kept for good.
    head -n 1 "$file" | grep -q containerd-fleet || [ -e "$file.orig" ] || cp -p "$file" "$file.orig" || exit 1
    cp -p "$file" "$file.before" || exit 1
fi
settle || say "it is being filled; going on"
at_exit=undo
away "$file"
! exists "$container" || docker rename "$container" "$container.before" || fail "it cannot be renamed"
# Where it was gone Docker has made a directory of it.
[ ! -d "$file" ] || rmdir "$file" || exit 1
mv -fT "$file.new" "$file" || exit 1
made=yes
with start "$work/options" || fail "docker run: $(reason <"$work/error")"
serves || fail "it does not answer at /v2/: $(docker logs --tail 1 "$container" 2>&1 | cut -c1-300)"
proxies || fail "it is no proxy: it takes uploads"
# From here on nothing leads back.
rm -f "$kept/stopped/$container"
trap clean EXIT
rm -f "$file.before" "$kept/$container.state"
! exists "$container.before" || docker rm "$container.before" >/dev/null || say "$container.before cannot be removed"
say "deployed"
