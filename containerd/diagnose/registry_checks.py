"""What is to be said of the registry settings that hold."""

from __future__ import annotations

from collections.abc import Iterator

from common import Finding, Severity
from containerd.config import DEFAULT_ROOT
from containerd.diagnose.subject import Subject
from containerd.loader import BUILT_IN_CONFIG_PATH, Settings, has_built_in_config_path
from containerd.model import release_of

_NEVER = ("docker.io", "index.docker.io")


def registry_findings(subject: Subject) -> Iterator[Finding]:
    """Everything about mirrors, config_path, credentials and TLS."""
    yield from _conflicts(subject)
    yield from _config_path(subject)
    yield from _mirrors(subject)
    yield from _hosts(subject)
    if subject.registry.get("auths", {}):
        yield Finding(
            "deprecated-auths",
            Severity.WARNING,
            subject.registry_at("auths"),
            "`auths` is deprecated: containerd reads it as `configs.HOST.auth`",
            "write the credentials as registry.configs.HOST.auth, HOST without a scheme, or as imagePullSecrets",
        )


def _conflicts(subject: Subject) -> Iterator[Finding]:
    registry = subject.registry
    mirrors, config_path = registry.get("mirrors", {}), registry.get("config_path")
    if mirrors and config_path:
        yield Finding(
            "conflict",
            Severity.ERROR,
            subject.registry_at("mirrors"),
            f'`mirrors` beside config_path = "{config_path}" ({subject.registry_at("config_path")}): CRI does not load',
            "write each mirror as a hosts.toml below config_path and delete registry.mirrors",
        )
    elif mirrors and has_built_in_config_path(subject.version):
        yield Finding(
            "built-in-config-path",
            Severity.ERROR,
            subject.registry_at("mirrors"),
            f"containerd {subject.version} has config_path = {BUILT_IN_CONFIG_PATH} built in: CRI does not load with "
            "any mirrors beside it (containerd #12612)",
            f'move the mirrors into hosts.toml files and set config_path = "{DEFAULT_ROOT}", or upgrade to 2.2.2',
        )
    if release_of(subject.version).registry_tls and config_path:
        for host, config in registry.table("configs").tables():
            if config.get("tls", None) is not None:
                yield Finding(
                    "tls-conflict",
                    Severity.ERROR,
                    subject.registry_at("configs", host, "tls"),
                    f'configs."{host}".tls, be it empty, beside config_path ({subject.registry_at("config_path")}): '
                    "CRI does not load",
                    "write ca, client and skip_verify in that host's hosts.toml and delete the tls table",
                )


def _config_path(subject: Subject) -> Iterator[Finding]:
    config_path, where = subject.registry.get("config_path"), subject.registry_at("config_path")
    single = f'move the hosts.toml files into one directory and set config_path = "{DEFAULT_ROOT}"'
    if ":" in config_path:
        from_2_1 = release_of(subject.version).pull_path == "transfer"
        said = (
            "is not honoured by default pulls" if from_2_1 else "will not be honoured by default pulls of 2.1 and later"
        )
        severity = Severity.ERROR if from_2_1 else Severity.WARNING
        message = f'config_path = "{config_path}" names several directories, which {said} (containerd #12808)'
        yield Finding("multi-root-config-path", severity, where, message, single)
    elif config_path and not config_path.startswith("/"):
        message = f'config_path = "{config_path}" is set and no absolute directory: no hosts.toml is found'
        yield Finding("config-path-not-absolute", Severity.ERROR, where, message, f'set config_path = "{DEFAULT_ROOT}"')


def _mirrors(subject: Subject) -> Iterator[Finding]:
    for name, mirror in subject.registry.table("mirrors").tables():
        where = subject.registry_at("mirrors", name)
        endpoints = mirror.get("endpoint", [])
        if name == "*":
            yield Finding(
                "wildcard-mirror",
                Severity.WARNING,
                where,
                f"every registry without a mirror of its own is pulled from {', '.join(endpoints) or 'its upstream'}",
                "give each registry a cache of its own, and delete the wildcard",
            )
        for endpoint in endpoints:
            if "://" not in endpoint:
                yield Finding(
                    "endpoint-without-scheme",
                    Severity.WARNING,
                    where,
                    f'the endpoint {endpoint} of mirrors."{name}" has no scheme: it is taken for https, and a path '
                    "behind it does not work",
                    "write it with http:// or https://",
                )


def _hosts(subject: Subject) -> Iterator[Finding]:
    configs = dict(subject.registry.table("configs").tables())
    for host, config in configs.items():
        yield from _host(subject, host, config)
    if configs and release_of(subject.version).pull_path == "transfer":
        yield Finding(
            "local-pull-mode",
            Severity.NOTE,
            subject.registry_at("configs"),
            "`configs` makes CRI pull by itself instead of through the transfer service, which is as before 2.1",
            "nothing, as long as credentials are needed there",
        )


def _host(subject: Subject, host: str, config: Settings) -> Iterator[Finding]:
    present = [key for key in ("auth", "tls") if config.get(key, None) is not None]
    if not release_of(subject.version).registry_tls and "tls" in present:
        yield Finding(
            "tls-ignored",
            Severity.ERROR if config.table("tls").data else Severity.NOTE,
            subject.registry_at("configs", host, "tls"),
            f'configs."{host}".tls is ignored by containerd 2.x',
            "write ca, client and skip_verify in that host's hosts.toml and delete the tls table",
        )
    for key in present:
        if host in _NEVER or "/" in host:
            yield Finding(
                f"{key}-never-matches",
                Severity.WARNING,
                subject.registry_at("configs", host, key),
                f'configs."{host}".{key} {_unused(host)}',
                f'name it configs."{_asked(host)}"',
            )


def _asked(host: str) -> str:
    """The host that a key of `configs` was meant for."""
    bare = host.rpartition("://")[2].partition("/")[0].rpartition("@")[2]
    return "registry-1.docker.io" if bare in _NEVER else bare


def _unused(host: str) -> str:
    if host in _NEVER:
        return "is not used for Docker Hub, whose host is registry-1.docker.io"
    return "is never used: it is looked up by the host and port of the URL that is asked"
