"""What a daemon will do with a set of files: whether it starts, and whether CRI loads.

Files decide most of it. What they do not (a kernel's features, a file system's kind, full disks, taken ports) is taken
to be as it should be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from common import mask_urls
from containerd.loader.cri_rules import Failure, cri_failure, nri_failure, stream_failure
from containerd.loader.merged import Merged, merge
from containerd.loader.plugin_rules import pool_device, proxy_uris, scratch_file, unloaded
from containerd.loader.schema import id_of, known_plugins
from containerd.loader.server_rules import listen_failure, server_failure, tcp_files
from containerd.loader.settings import base_specs, goes_by_ids, plugin_settings, runtime_plugin
from containerd.model import CRI, IMAGES, RUNTIME, Dead, FileSet, Version

State = Literal["ok", "error", "absent", "dead"]

_SANDBOX = "io.containerd.podsandbox.controller.v1.podsandbox"
# What fails with a plugin, in the order in which it is loaded.
_DEPENDANTS = {CRI: (CRI,), IMAGES: (IMAGES, _SANDBOX, CRI), RUNTIME: (RUNTIME, _SANDBOX, CRI)}
_DEPENDENCY = {IMAGES: "image", RUNTIME: "runtime"}


@dataclass(frozen=True)
class Prediction:
    """`ok`; `error`: the daemon runs and CRI does not load; `absent`: CRI is disabled; `dead`: the daemon exits.

    The reason is in containerd's words, and empty when all is well.
    """

    cri: State
    reason: str


def predict(files: FileSet, version: Version) -> Prediction:
    """Predict what a containerd from 1.5 to 2.3 does with these files. Never raises."""
    try:
        merged = merge(files, version)
    except Dead as reason:
        return Prediction("dead", mask_urls(str(reason)))
    return predict_merged(merged, files, version)


def predict_merged(merged: Merged, files: FileSet, version: Version) -> Prediction:
    """The same, for what was merged already."""
    prediction = _predict(merged, files, version)
    return Prediction(prediction.cri, mask_urls(prediction.reason))


def _predict(merged: Merged, files: FileSet, version: Version) -> Prediction:
    disabled = disabled_plugins(merged, version)
    if said := server_failure(merged, files, version, disabled):
        return Prediction("dead", said)
    failure = None if CRI in disabled else cri_failure(merged, files, version, disabled)
    said = _required_failure(merged, version, disabled, failure)
    said = said or _required_unloaded(merged, files, version, disabled)
    if said := said or listen_failure(merged, files, version, disabled):
        return Prediction("dead", said)
    if CRI in disabled:
        return Prediction("absent", "the CRI plugin is in disabled_plugins")
    if failure is not None:
        return Prediction("error", _as_cri_says(failure))
    said = stream_failure(merged, version) or nri_failure(merged, files, version, disabled)
    return Prediction("dead", said) if said else Prediction("ok", "")


def named_files(files: FileSet, version: Version) -> tuple[str, ...]:
    """The files that CRI or a snapshotter must find for the prediction to be `ok`, beside what is imported.

    Whoever knows the node says in `FileSet.present` which of them are there.
    """
    try:
        merged = merge(files, version)
    except Dead:
        return ()
    server, runtime = (plugin_settings(merged, plugin, version) for plugin in (CRI, runtime_plugin(version)))
    pair = server.table("x509_key_pair_streaming")
    streaming = (pair.get("tls_cert_file"), pair.get("tls_key_file"))
    devices = (pool_device(merged, version), scratch_file(merged, version))
    found = (*base_specs(runtime), *streaming, *tcp_files(merged, version), *devices)
    return tuple(path for path in found if isinstance(path, str) and path)


def disabled_plugins(merged: Merged, version: Version) -> frozenset[str]:
    """The URIs of the plugins that are disabled; 1.x goes by short ids in a file of version 1."""
    return _named(merged, "disabled_plugins", version)


def _named(merged: Merged, key: str, version: Version) -> frozenset[str]:
    names = frozenset(merged.value(key) or ())
    if goes_by_ids(merged, version):
        return frozenset(uri for uri in known_plugins(version) if id_of(uri) in names)
    return names


def _required_failure(
    merged: Merged, version: Version, disabled: frozenset[str], failure: Failure | None
) -> str | None:
    names = frozenset(merged.value("required_plugins") or ())
    required = _named(merged, "required_plugins", version)
    if failure is not None and (failing := [name for name in _DEPENDANTS[failure.plugin] if name in required]):
        said = failure.reason if failing[0] == failure.plugin else _as_cri_says(failure)
        return f"load required plugin {failing[0]}: {said}"
    present = (known_plugins(version) | proxy_uris(merged, version)) - disabled
    found = {id_of(uri) for uri in present} if goes_by_ids(merged, version) else present
    missing = sorted(names - found)
    return f"required plugin [{' '.join(missing)}] not included" if missing else None


def _required_unloaded(merged: Merged, files: FileSet, version: Version, disabled: frozenset[str]) -> str | None:
    required = _named(merged, "required_plugins", version) & known_plugins(version)
    found = sorted(required & unloaded(merged, files, version, disabled))
    return f"load required plugin {found[0]}: skip plugin" if found else None


def _as_cri_says(failure: Failure) -> str:
    """The reason that CRI itself gives: what is wrong with a part of it in 2.x comes with a prefix."""
    part = _DEPENDENCY.get(failure.plugin)
    prefix = f"unable to load CRI {part} service plugin dependency: " if part else ""
    return prefix + failure.reason
