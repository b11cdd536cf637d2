"""In what a container is not the one that is wanted."""

from __future__ import annotations

from collections.abc import Iterator

from caches.present import Container, HostFacts, image_id
from caches.spec import CA_INSIDE, DATA, Wanted, bytes_of

MEDDLED = "its settings"


def differences(facts: HostFacts, there: Container, wanted: Wanted) -> tuple[str, ...]:
    """Return why the container must be made anew, each reason in a few words; nothing where it is as wanted."""
    if there.cache is None:
        data = there.mounts.get(DATA, "")
        lost = f", and what it has cached stays unused in {data}" if data not in ("", wanted.spec.volume) else ""
        return (f"it was not deployed by this tool{lost}",)
    found = (*_file(facts, wanted), *_visible(there, wanted, facts))
    if there.digest == wanted.digest:
        return found
    return (*found, *_hidden(there, wanted)) or (MEDDLED,)


def _file(facts: HostFacts, wanted: Wanted) -> Iterator[str]:
    spec = wanted.spec
    mode = facts.modes.get(spec.config_file, spec.mode)
    if not wanted.is_config(facts.files.get(spec.config_file)):
        yield "config.yml"
    elif mode != spec.mode:
        yield f"mode of config.yml {mode} -> {spec.mode}"


def _visible(there: Container, wanted: Wanted, facts: HostFacts) -> Iterator[str]:
    """What must be as wanted whatever the labels say: somebody may have meddled with it."""
    spec = wanted.spec
    if there.image != spec.image.reference:
        yield f"image {there.image} -> {spec.image.reference}"
    elif there.image_id != (image_id(spec.image.reference, facts.images) or there.image_id):
        yield f"{spec.image.reference} was pulled anew"
    if there.ports != {(spec.bind, spec.port)}:
        yield f"port {', '.join(_port(*port) for port in sorted(there.ports))} -> {_port(spec.bind, spec.port)}"
    if there.policy != "always":
        yield f"restart {there.policy or 'no'} -> always"
    expected = {spec.image.config_path: spec.config_file, DATA: spec.volume}
    for inside, outside in expected.items():
        if there.mounts.get(inside) != outside:
            yield f"{inside} is not {outside}"


def _hidden(there: Container, wanted: Wanted) -> Iterator[str]:
    """What the sum of the configuration covers, in words. A kernel without memory limits has none to compare."""
    spec = wanted.spec
    if there.memory and there.memory != bytes_of(spec.memory):
        yield f"memory -> {spec.memory}"
    if there.logs != ("json-file", spec.log_size, str(spec.log_files)):
        yield "log rotation"
    if there.hosts != tuple(f"{name}:{address}" for name, address in spec.hosts):
        yield "hosts"
    if there.mounts.get(CA_INSIDE, "") != spec.ca:
        yield "ca"


def _port(address: str, port: int) -> str:
    return f"{address}:{port}" if address else str(port)
