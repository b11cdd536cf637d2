# In front of pull.sh. $1 crictl  $2 the image's name without its tag
# Pulls as kubelet does, into the namespace k8s.io. What was not there before is removed again, and a name that the pull has
# moved is moved back.
space=k8s.io

# The names that CRI gives to one pull: what was asked for, that with its digest, and the image's id.
ours() {
    printf '%s\n' "$after" | while read -r each digest; do
        case $each in "$image" | "$name@$new" | sha256:*) [ "$digest" != "$new" ] || echo "$each" ;; esac
    done
}

# A name that stands for a digest still.
name_of() {
    printf '%s\n' "$after" | while read -r each digest; do [ "$digest" != "$1" ] || echo "$each"; done | head -n 1
}

prepare() {
    crictl=$1 name=$2
    before=$(images) || fail "ctr cannot list the images of k8s.io"
    export CONTAINER_RUNTIME_ENDPOINT="unix://$socket" IMAGE_SERVICE_ENDPOINT="unix://$socket"
}

ask() {
    exec timeout -k 2 "$seconds" "$crictl" pull "$image"
}

undo() {
    after=$(images) || {
        say_left "$image may be left in k8s.io: ctr cannot list the images there"
        return
    }
    new=$(digest_of "$after" "$image")
    [ -n "$new" ] || return
    fresh=
    for each in $(ours); do
        old=$(digest_of "$before" "$each")
        if [ -z "$old" ]; then
            fresh="$fresh$each$newline"
        elif [ "$old" != "$new" ]; then
            put_back "$each" "$old"
        fi
    done
    [ -z "$fresh" ] || take_away
}

# 2.x takes an id for no name, unless it is told not to look (containerd 2.0's ctr has the option).
tag() {
    in_space images tag --force --skip-reference-check "$@" >/dev/null || in_space images tag --force "$@" >/dev/null
}

# $1 a name  $2 the digest that it stood for before
put_back() {
    same=$(name_of "$2")
    [ -n "$same" ] && tag "$same" "$1" || say_left "$1 stands for $new here now, and for $2 before"
}

take_away() {
    used=$(in_space containers ls) || {
        say_left "$image is left in k8s.io: ctr cannot list the containers there"
        return
    }
    if printf '%s\n' "$used" | tail -n +2 | while read -r id its rest; do echo "$its"; done | grep -Fqx "${fresh%"$newline"}"; then
        kept="$image stays: a container was started from it meanwhile"
        return
    fi
    # Names of images have no blanks.
    # shellcheck disable=SC2086
    in_space images rm --sync $fresh >/dev/null || say_left "$image could not be removed from k8s.io"
}
