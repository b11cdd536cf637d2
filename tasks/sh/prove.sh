# $1 name of the unit  $2 seconds after which it is killed with all that it started.
# Standard input: the script that it runs (sandbox.sh). Nothing is written, and nothing of it stays.
version=$(systemctl --version 2>/dev/null | head -n 1 | cut -d ' ' -f 2)
version=${version%%[!0-9]*}
command -v systemd-run >/dev/null || fail "systemd-run is not installed here"
# PrivateMounts= came with systemd 239, CollectMode= with 236, --pipe with 235.
[ "${version:-0}" -ge 239 ] || fail "systemd ${version:-of unknown version} is too old for a sandbox (239 or later)"
systemd-run --quiet --collect --wait --pipe --unit="$1" \
    -p PrivateNetwork=yes -p PrivateMounts=yes -p MountFlags=slave -p ProtectSystem=strict -p ProtectHome=read-only \
    -p ProtectControlGroups=yes -p RuntimeMaxSec="$2" -p KillMode=control-group \
    -p KillSignal=SIGKILL -p TimeoutStopSec=5 \
    /bin/sh -s
status=$?
case $status in
    # EXIT_NETWORK and EXIT_NAMESPACE of systemd.exec(5).
    225 | 226) fail "systemd cannot make namespaces here: no privileges for them, or a kernel without them" ;;
esac
exit "$status"
