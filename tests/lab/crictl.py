"""A crictl for the lab, as Debian has none: it asks the real CRI service of a node, with the cache host's curl."""

from __future__ import annotations

from lab import machine
from tests.lab.nodes import LabNode

# curl and what it is linked with run on any node, by their own loader.
_CURL = r"tar -chf - $(which curl) $(ldd $(which curl) | grep -o '/[^ ]*') 2>/dev/null"
_CRICTL = r"""#!/bin/sh
# A message of gRPC is a byte 0, four of its length, and the message; a field is a tag, a length, and a text.
set -e
root=/opt/curl
curl="$(ls $root/lib*/ld-*) --library-path $(dirname $root/lib/*/libc.so.6) $root/usr/bin/curl"
socket=${CONTAINER_RUNTIME_ENDPOINT:-unix:///run/containerd/containerd.sock}
ask() {
    $curl -s --http2-prior-knowledge --unix-socket "${socket#unix://}" -H 'te: trailers' \
        -H 'content-type: application/grpc' --data-binary @- -D /run/crictl.said -o /run/crictl.answer \
        "http://localhost/runtime.v1.$1"
    [ "$(grep -i '^grpc-status:' /run/crictl.said | tr -dc 0-9)" != 0 ] || return 0
    echo "E1124 11:36:40.123456 remote.go:1] \"$1 failed\"" >&2
    echo "FATA[0000] $(grep -i '^grpc-message:' /run/crictl.said | tr -d '\r' | cut -d' ' -f2-)" >&2
    return 1
}
byte() {
    printf "\\$(printf %03o "$1")"
}
named() {
    printf '\0\0\0\0'
    byte $((${#1} + 4))
    printf '\n'
    byte $((${#1} + 2))
    printf '\n'
    byte ${#1}
    printf %s "$1"
}
case $1 in
    info)
        printf '\0\0\0\0\0' | ask RuntimeService/Status
        echo '{"status": {"conditions": [{"type": "RuntimeReady", "status": true, "reason": "", "message": ""}]}}' ;;
    pull)
        named "$2" | ask ImageService/PullImage
        [ ! -f /etc/after-pull ] || sh /etc/after-pull
        echo "Image is up to date for $2" ;;
    images)
        printf '\0\0\0\0\0' | ask ImageService/ListImages
        tr -c '[:print:]' '\n' </run/crictl.answer | grep / | sort ;;
    *) exit 2 ;;
esac
"""


def install(node: LabNode) -> None:
    """Give a node the crictl; it knows ``info``, ``pull``, and ``images``.

    What is in /etc/after-pull is done after each pull.
    """
    curl = machine.run("registry-vm", _CURL)
    node.feed("mkdir -p /opt/curl && tar -xf - -C /opt/curl", curl.stdout)
    node.write("/usr/local/bin/crictl", _CRICTL)
    node.sh("chmod 755 /usr/local/bin/crictl")


def names_of(image: str) -> str:
    """Return a command that prints all names that CRI has for what ``image`` stands for."""
    listing = "ctr -n k8s.io images ls | tr -s ' '"
    return f"{listing} | grep -F \" $({listing} | grep -F '{image} ' | cut -d' ' -f3) \" | cut -d' ' -f1"


def remove(node: LabNode) -> None:
    """Take it away again, and all images that CRI has."""
    node.sh("rm -rf /usr/local/bin/crictl /opt/curl /etc/after-pull /run/crictl.*")
    node.sh("for image in $(ctr -n k8s.io images ls -q); do ctr -n k8s.io images rm --sync $image; done")
