"""Where daemons listen, which paths and plugins they need, and which keys they read: by release, too."""

from __future__ import annotations

from tests.unit.containerd.prediction_cases import DEAD, ERROR, FINE, RUNTIME, V2, V3, Case
from tests.unit.containerd.samples import NEW, OLD


def plugin(uri: str, body: str) -> str:
    return f'[plugins."io.containerd.{uri}"]\n{body}\n'


def metrics(address: str) -> str:
    return V2 + f'[metrics]\naddress = "{address}"\n'


def unpack(body: str) -> str:
    return V2 + f'[[plugins."io.containerd.transfer.v1.local".unpack_config]]\n{body}\n'


def required(uri: str) -> str:
    return V2 + f'required_plugins = ["io.containerd.{uri}"]\n'


def disabled(uri: str) -> str:
    return V2 + f'disabled_plugins = ["io.containerd.{uri}"]\n'


CANNOT_LISTEN = ("10.1.2.3", ":66000", ":-5", ":none", "::1:80", "[::1]", "[::1:80", "1.2.3:80", "http://a:80", ":80/x")
CAN_LISTEN = ("127.0.0.1:0", ":1339", "127.0.0.1:", "127.0.0.1:+81", "[::1]:1339", "localhost:1339", "[127.0.0.1]:1339")
LISTENERS = (
    *(Case(f"metrics on {address}", metrics(address), DEAD) for address in CANNOT_LISTEN),
    *(Case(f"metrics on {address}", metrics(address), FINE) for address in CAN_LISTEN),
    Case("debug without a port", V2 + '[debug]\naddress = "127.0.0.1"\n', DEAD),
    Case("debug on a socket in new directories", V2 + '[debug]\naddress = "/run/one/two/debug.sock"\n', FINE),
    Case("debug on a directory", V2 + '[debug]\naddress = "/etc/containerd"\n', DEAD),
    Case("debug below a file", V2 + '[debug]\naddress = "/etc/containerd/config.toml/debug"\n', DEAD),
    Case("ttrpc on a directory", V2 + '[ttrpc]\naddress = "/run/containerd"\n', DEAD),
    Case("grpc with a slash at its end", V2 + '[grpc]\naddress = "/run/new/"\n', DEAD),
    Case("grpc on too long a path", V2 + f'[grpc]\naddress = "/run/{"a" * 110}"\n', DEAD),
    Case("grpc without an address", V2 + '[grpc]\naddress = ""\n', FINE),
    # 2.3 listens over TCP for CRI alone, which is not to be served there by default.
    Case("TCP without a port", V2 + '[grpc]\ntcp_address = "127.0.0.1"\n', "ddddd dd dd oo"),
    Case("the same port twice", metrics(":1340") + '[debug]\naddress = "127.0.0.1:1340"\n', DEAD),
    Case("the stream server by a service's name", V2 + f'[{OLD}]\nstream_server_port = "http"\n', FINE),
    Case("the stream server on IPv6", V2 + f'[{OLD}]\nstream_server_address = "::1"\n', FINE),
    Case(
        "metrics of a server plugin", "version = 4\n" + plugin("server.v1.metrics", 'address = "a"'), "oodod dd dd dd"
    ),
)
PATHS = (
    Case("root is a file", V2 + 'root = "/etc/containerd/config.toml"\n', DEAD),
    Case("state below a file", V2 + 'state = "/etc/containerd/config.toml/x"\n', DEAD),
    Case("temp is a file", V2 + 'temp = "/etc/containerd/config.toml"\n', "odddd dd dd dd"),
    Case("CNI's directory is a file", V2 + f'[{OLD}.cni]\nconf_dir = "/etc/passwd"\n', ERROR),
    Case("CNI's directory is new", V2 + f'[{OLD}.cni]\nconf_dir = "/run/new"\n', FINE),
    Case(
        "a runtime's CNI directory is a file",
        V2 + f'[{OLD}.containerd.runtimes.runc]\nruntime_type = "io.containerd.runc.v2"\ncni_conf_dir = "/etc/hosts"\n',
        "oeeee ee ee ee",
    ),
    Case(
        "overlayfs in a file",
        V2 + plugin("snapshotter.v1.overlayfs", 'root_path = "/etc/containerd/config.toml"'),
        ERROR,
    ),
    Case(
        "native in a file, unused",
        V2 + plugin("snapshotter.v1.native", 'root_path = "/etc/containerd/config.toml"'),
        "ooooo ee ee ee",
    ),
)
SNAPSHOTTERS = (
    Case("devmapper without a size", V2 + plugin("snapshotter.v1.devmapper", 'pool_name = "a"'), "ooooo ee ee ee"),
    Case("devmapper without a pool", V2 + plugin("snapshotter.v1.devmapper", 'base_image_size = "x"'), FINE),
    Case(
        "blockfile without its file", V2 + plugin("snapshotter.v1.blockfile", 'scratch_file = "/no"'), "ooooo ee ee ee"
    ),
    Case("erofs as the snapshotter", V2 + f'[{OLD}.containerd]\nsnapshotter = "erofs"\n', "eeeee oo oo oo"),
    Case(
        "erofs as the snapshotter of runtimes",
        V2 + f'[{OLD}.containerd]\nsnapshotter = "erofs"\n[{OLD}.containerd.runtimes.a]\nruntime_type = "a"\n',
        "eeeee eo oo oo",
    ),
    Case("blockfile as the snapshotter", V3 + f'[{NEW}]\nsnapshotter = "blockfile"\n', "oodod ee ee ee"),
)
DIFFERS = (
    Case("no differs", V2 + plugin("service.v1.diff-service", "default = []"), FINE),
    Case("a differ that does not exist", V2 + plugin("service.v1.diff-service", 'default = ["a", "walking"]'), ERROR),
    Case("erofs without its program", V2 + plugin("service.v1.diff-service", 'default = ["walking", "erofs"]'), ERROR),
    Case(
        "a differ that is a proxy",
        V2
        + plugin("service.v1.diff-service", 'default = ["a"]')
        + '[proxy_plugins.a]\ntype = "diff"\naddress = "/a"\n',
        "dddoo oo oo oo",
    ),
    Case(
        "unpacking with walking", unpack('platform = "linux/amd64"\nsnapshotter = "native"\ndiffer = "walking"'), FINE
    ),
    Case(
        "unpacking with another", unpack('platform = "linux"\nsnapshotter = "native"\ndiffer = "b"'), "ooooo oe ee ee"
    ),
    Case("unpacking for Windows", unpack('platform = "windows/amd64"\nsnapshotter = "native"'), "ooooo oe ee ee"),
    Case("unpacking without a snapshotter", unpack('platform = "linux"'), "ooooo oe ee ee"),
    Case("nothing to unpack", V2 + plugin("transfer.v1.local", "unpack_config = []"), "ooodd oo oo oo"),
)
NEEDS = (
    Case("without leases", disabled("lease.v1.manager"), "oooee ee ee ee"),
    Case("without the transfer service", disabled("transfer.v1.local"), "ooooo oe ee ee"),
    Case("without the mount manager", disabled("mount-manager.v1.bolt"), "ooooo oo ee ee"),
    Case("without NRI", disabled("nri.v1.nri"), FINE),
    Case("without the differ of erofs", disabled("differ.v1.erofs"), FINE),
    Case("without its socket", disabled("server.v1.grpc"), "ooooo oo oo dd"),
    Case("tracing that is not set up", required("internal.v1.tracing"), DEAD),
    Case("devmapper that is not set up", required("snapshotter.v1.devmapper"), DEAD),
    Case("the differ of erofs", required("differ.v1.erofs"), DEAD),
    Case("the snapshotter of erofs", required("snapshotter.v1.erofs"), "ddddd do oo oo"),
    Case("the mount manager", required("mount-manager.v1.bolt"), "ddddd dd oo oo"),
    Case("the manager of shims", required("shim.v1.manager"), "ddddd oo oo oo"),
    Case("a server plugin", required("server.v1.ttrpc"), "ddddd dd dd oo"),
    Case("a server plugin without an address", required("server.v1.metrics"), DEAD),
)
KEYS = (
    Case("temp", V2 + "temp = 5\n", "odddd dd dd dd"),
    Case("plugin_dir", V2 + "plugin_dir = 5\n", "ddddd do oo oo"),
    Case("tcp_tls_ca", V2 + "[grpc]\ntcp_tls_ca = 5\n", "odddd dd dd dd"),
    Case("tcp_tls_common_name", V2 + "[grpc]\ntcp_tls_common_name = true\n", "ooooo oo dd dd"),
    Case("log_trace_id", V2 + '[debug]\nlog_trace_id = "a"\n', "ooooo oo oo dd"),
    Case("drain_exec_sync_io_timeout", V2 + f"[{OLD}]\ndrain_exec_sync_io_timeout = 5\n", "ooddd dd dd dd"),
    Case("enable_cdi", V2 + f"[{OLD}]\nenable_cdi = 1\n", "ooodd dd dd dd"),
    Case(
        "runtime_path",
        V2 + f"[{OLD}.containerd.runtimes.runc]\nruntime_type = 'a'\nruntime_path = 1\n",
        "odddd dd dd dd",
    ),
    Case("runtime_engine", V2 + f"[{OLD}.containerd.runtimes.a]\nruntime_engine = 1\n", "ddddd oo oo oo"),
    Case("sandboxer", V2 + f"[{OLD}.containerd.runtimes.runc]\nruntime_type = 'a'\nsandboxer = 1\n", "ooooo dd dd dd"),
    Case("cgroup_writable", V3 + f"[{RUNTIME}.containerd.runtimes.a]\ncgroup_writable = 1\n", "oodod od dd dd"),
    Case("bin_dirs", V2 + f'[{OLD}.cni]\nbin_dirs = "a"\n', "ooooo od dd dd"),
    Case("enable_criu", V3 + f"[{RUNTIME}]\nenable_criu = 1\n", "oodod oo od dd"),
    Case("stats_collect_period of the runtime", V3 + f"[{RUNTIME}]\nstats_collect_period = 9\n", "oodod oo oo dd"),
    Case("use_local_image_pull", V3 + f"[{NEW}]\nuse_local_image_pull = 1\n", "oodod od dd dd"),
    Case("sync_remove", V2 + plugin("snapshotter.v1.overlayfs", "sync_remove = 1"), "ooddd dd dd dd"),
    Case("slow_chown", V2 + plugin("snapshotter.v1.overlayfs", "slow_chown = 1"), "ooooo dd dd dd"),
    Case("mkfs_options", V2 + plugin("differ.v1.erofs", 'mkfs_options = "a"'), "ooooo od dd dd"),
    Case("enable_tar_index", V2 + plugin("differ.v1.erofs", 'enable_tar_index = "a"'), "ooooo oo dd dd"),
    Case("enable_dmverity", V2 + plugin("differ.v1.erofs", 'enable_dmverity = "a"'), "ooooo oo oo dd"),
    Case("default_size", V2 + plugin("snapshotter.v1.erofs", "default_size = 7"), "ooooo oo dd dd"),
    Case("max_concurrent_unpacks", V2 + plugin("transfer.v1.local", "max_concurrent_unpacks = '2'"), "ooooo oo dd dd"),
    Case(
        "check_platform_supported", V2 + plugin("transfer.v1.local", "check_platform_supported = 1"), "ooooo od dd dd"
    ),
    Case("no_sync", V2 + plugin("metadata.v1.bolt", "no_sync = 1"), "ooooo od dd dd"),
    Case("sched_core", V2 + plugin("runtime.v2.task", "sched_core = 1"), "odddd oo oo oo"),
    Case("blockio_config_file", V2 + plugin("service.v1.tasks-service", "blockio_config_file = 1"), "ooodd dd dd dd"),
    Case("NRI's validator", V2 + plugin("nri.v1.nri", "default_validator.enable = 1"), "ooooo oo dd dd"),
    Case("the shims' directory", V2 + plugin("shim.v1.manager", "socket_dir = 1"), "ooooo oo oo dd"),
    Case("a duration without a unit", V2 + plugin("gc.v1.scheduler", "startup_delay = 1.5"), DEAD),
    Case("a duration of nothing", V2 + plugin("gc.v1.scheduler", "startup_delay = 0"), FINE),
)
# The daemon ends soon after its start: an observer may see it before that.
LATE = (
    Case("the stream server on IPv6 in brackets", V2 + f'[{OLD}]\nstream_server_address = "[::1]"\n', DEAD),
    Case("the stream server's address with a port", V2 + f'[{OLD}]\nstream_server_address = "127.0.0.1:9"\n', DEAD),
    Case("NRI's socket is a directory", V2 + plugin("nri.v1.nri", 'socket_path = "/etc/containerd"'), "ooooo dd dd dd"),
    Case(
        "NRI's plugins are a file",
        V2 + plugin("nri.v1.nri", 'disable = false\nplugin_path = "/etc/hosts"'),
        "ooodd dd dd dd",
    ),
)
# Libraries of a distribution's own read them, too: not for the lab.
DURATIONS = (
    Case("a whole number for a duration", V2 + plugin("gc.v1.scheduler", "startup_delay = 2"), DEAD),
    Case("the same elsewhere", V2 + plugin("monitor.container.v1.restart", "interval = 2"), "ooooo dd dd dd"),
)
RELEASE_CASES = (*LISTENERS, *PATHS, *SNAPSHOTTERS, *DIFFERS, *NEEDS, *KEYS)
