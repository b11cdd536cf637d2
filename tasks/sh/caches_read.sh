# $1 images, separated by blanks  then the upkeep's files: what is on this cache host. Changes nothing.
images=$1
shift
command -v bash >/dev/null || fail "the upkeep of the caches needs bash: install it"
date +%s | emit now
if systemctl is-active -q cron.service || systemctl is-active -q crond.service; then echo yes; fi | emit cron
for file in /etc/docker-registry/*/config.yml "$@"; do
    [ -f "$file" ] || continue
    emit "file:$file" <"$file"
    stat -c 0%a "$file" | emit "mode:$file"
done
command -v docker >/dev/null || exit 0
docker version -f '{{.Server.Version}}' 2>/dev/null | emit docker
docker info -f '{{.MemoryLimit}}' 2>/dev/null | emit memory
# shellcheck disable=SC2046
set -- $(docker ps -aq)
if [ "$#" -gt 0 ]; then docker container inspect "$@" 2>/dev/null; else echo '[]'; fi | emit containers
# shellcheck disable=SC2086
docker image inspect $images 2>/dev/null | emit images
# shellcheck disable=SC2046
set -- $(docker volume ls -q --filter label=containerd-fleet.cache)
if [ "$#" -gt 0 ]; then docker volume inspect "$@" 2>/dev/null; else echo '[]'; fi | emit volumes
exit 0
