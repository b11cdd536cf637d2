# The same steps as one raw script over one ssh: look, back up, write, restart, check. For bench/overhead.py.
set -e
mkdir -p /var/lib/raw/before
containerd --version >/dev/null
ctr plugins ls >/dev/null
cp -a /etc/containerd/config.toml /var/lib/raw/before/config.toml
for row in docker.io:https://registry-1.docker.io:5000 ghcr.io:https://ghcr.io:5010 quay.io:https://quay.io:5020 \
    registry.k8s.io:https://registry.k8s.io:5030 reg.kyverno.io:https://reg.kyverno.io:5040; do
    name=${row%%:*}
    port=${row##*:}
    rest=${row#*:}
    mkdir -p "/etc/containerd/certs.d/$name"
    printf 'server = "%s"\n\n[host."http://198.18.20.10:%s"]\n  capabilities = ["pull", "resolve"]\n' \
        "${rest%:*}" "$port" >"/etc/containerd/certs.d/$name/hosts.toml"
done
sed -e '/registry.mirrors/d' -e '/endpoint = /d' \
    -e 's|^\( *\)\(\[plugins."io.containerd.grpc.v1.cri".registry\]\)|\1\2\n\1  config_path = "/etc/containerd/certs.d"|' \
    /etc/containerd/config.toml >/etc/containerd/config.new
sync
mv /etc/containerd/config.new /etc/containerd/config.toml
systemctl restart containerd
ctr plugins ls | grep -q 'io.containerd.grpc.v1 *cri .*ok'
containerd -c /etc/containerd/config.toml config dump >/dev/null
