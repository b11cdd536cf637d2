"""Every file that this project writes on a machine, as Jinja2 templates."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2

from caches.spec import HIDDEN, CacheSpec
from caches.upkeep import Job
from containerd.hosts import HostsToml
from containerd.toml import basic_string


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  # no HTML here; each value is quoted for TOML or for the shell
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["toml"] = basic_string
    environment.filters["yaml"] = _yaml_string
    environment.filters["sh"] = lambda text: shlex.quote(str(text))
    return environment


def _yaml_string(text: str) -> str:
    """Return ``text`` in the double quotes of YAML, in ASCII: no character of it can end the line or the string."""
    plain = (" " <= character <= "~" and character not in '"\\' for character in text)
    return '"' + "".join(c if is_plain else f"\\U{ord(c):08x}" for c, is_plain in zip(text, plain, strict=True)) + '"'


def render(template: str, **values: Any) -> str:
    """Return the text of ``template`` with ``values``; a value that is missing raises ``jinja2.UndefinedError``."""
    return _environment().get_template(template).render(**values)


@lru_cache(maxsize=256)
def render_hosts_toml(file: HostsToml) -> str:
    """Return the text of one registry's hosts.toml."""
    return render("hosts.toml.j2", file=file)


def render_cache_config(spec: CacheSpec) -> str:
    """Return the text of one cache's config.yml, its password included where that is known."""
    return render("caches/config.yml.j2", spec=spec, hidden=HIDDEN)


def render_cron(jobs: Sequence[Job], scripts: str) -> str:
    """Return the text of the cron file that calls what lies in the directory ``scripts``."""
    return render("caches/cron.j2", jobs=jobs, scripts=scripts)


def source(name: str) -> str:
    """Return a file of this directory that is written as it is."""
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
