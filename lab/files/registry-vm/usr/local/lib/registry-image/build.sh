# Makes an image of Debian's docker-registry that is run and configured like the one of Docker Hub.
# usage: sh build.sh IMAGE CONFIG
# CONFIG is where the program reads its configuration, relative to /. What lies there in the image is no proxy's.
set -eu
image=$1 config=$2 program=usr/bin/docker-registry here=usr/local/lib/registry-image

if docker image inspect --format . "$image" >/dev/null 2>&1; then
    exit 0
fi
cd /
libraries=$(ldd "$program" | sed -n 's,^[^/]*/\([^ ]*\) (.*,\1,p')
# shellcheck disable=SC2086  # a list of files
tar --create --dereference --transform="s,^$program\$,bin/registry," --transform="s,^$here/config.yml\$,$config," \
    "$program" "$here/config.yml" etc/ssl/certs/ca-certificates.crt $libraries |
    docker import --change 'ENTRYPOINT ["/bin/registry"]' --change "CMD [\"serve\", \"/$config\"]" \
        --change 'EXPOSE 5000' --change 'VOLUME ["/var/lib/registry"]' - "$image"
