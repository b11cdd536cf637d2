# Boots one node, and boots it again after each reboot that it asks for, and after a power cut. It is the first process of a process namespace,
# so that nothing of the node outlives it, and its mount namespace keeps the overlay from the host.
# usage: unshare --pid --fork --kill-child --mount --propagation slave --mount-proc sh node.sh MACHINE HOSTNAME LOWER DIR CGROUP...
set -eu
machine=$1 hostname=$2 lower=$3 dir=$4
shift 4
for cgroup; do
    echo 0 > "$cgroup/cgroup.procs"
done
set -- --bind="$dir/containerd:/var/lib/containerd"
if [ -d "$dir/docker" ]; then
    set -- "$@" --bind="$dir/docker:/var/lib/docker"
fi
mount -t overlay "$machine" -o "lowerdir=$lower,upperdir=$dir/upper,workdir=$dir/work" "$dir/merged"
: > "$dir/started"

export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
reboot=133
status=$reboot
while [ "$status" -eq "$reboot" ] || rm "$dir/again" 2>/dev/null; do
    status=0
    systemd-nspawn --quiet --directory "$dir/merged" --boot \
        --machine="$machine" --hostname="$hostname" --register=no --keep-unit \
        --network-namespace-path="/run/netns/$machine" --resolv-conf=off --timezone=off --link-journal=no \
        --capability=all '--system-call-filter=@keyring bpf' "$@" || status=$?
    echo "node.sh: $machine ended with status $status"
done
exit "$status"
