# What is missing of Docker and cron, from the distribution's packages. Another Docker that is there stays: docker.io would
# remove docker-ce.
packages=
command -v docker >/dev/null || packages="docker.io iptables ca-certificates"
command -v cron >/dev/null || command -v crond >/dev/null || packages="$packages cron"
apt() {
    said=$(DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@" 2>&1) ||
        fail "apt-get $1 failed: $(printf '%s\n' "$said" | grep '^E:' | tail -n 1)"
}
if [ -n "$packages" ]; then
    command -v apt-get >/dev/null || fail "only Debian and Ubuntu are known here: install Docker and cron by hand"
    apt update
    # From Debian 13 on the client is a package of its own.
    case $packages in docker.io*)
        ! apt-cache policy docker-cli 2>/dev/null | grep -q 'Candidate: [0-9]' || packages="$packages docker-cli" ;;
    esac
    # shellcheck disable=SC2086
    apt install -y --no-install-recommends $packages
fi
for unit in docker cron crond; do
    systemctl is-active -q "$unit.service" || ! systemctl cat "$unit.service" >/dev/null 2>&1 ||
        systemctl enable --now "$unit.service" >/dev/null 2>&1
done
docker version >/dev/null 2>&1 || fail "Docker is installed, but does not answer: systemctl status docker says why"
systemctl is-active -q cron.service || systemctl is-active -q crond.service ||
    fail "cron is installed, but does not run: systemctl status cron says why"
