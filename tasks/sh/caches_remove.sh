# $1 container  $2 its configuration's directory, empty where it stays  $3 its volume, empty where it stays
# What else lies in the directory stays, such as what a person wrote (config.yml.orig).
. /usr/local/lib/containerd-fleet/caches.sh || fail "the scripts of the upkeep are not there"
container=$1
take "the removal of $container" 300
! running || respect_lock
exists "$container"
case $? in
0) docker stop -t 30 "$container" >/dev/null && docker rm "$container" >/dev/null || fail "it cannot be removed" ;;
2) fail "Docker does not answer" ;;
esac
if [ -n "$2" ]; then
    rm -f "$2/config.yml" "$2/config.yml.new" "$2/config.yml.before" || fail "$2/config.yml cannot be removed"
    [ ! -d "$2" ] || rmdir --ignore-fail-on-non-empty "$2"
fi
[ -z "$3" ] || docker volume rm "$3" >/dev/null || fail "its data cannot be removed"
rm -f "$kept/$container.gc" "$kept/stopped/$container"
say "removed"
