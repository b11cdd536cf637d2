"""Every file that this project writes on a machine, as Jinja2 templates."""

from __future__ import annotations

import shlex
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2

from containerd.hosts_toml import HostsToml
from containerd.statements import basic_string


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
    environment.filters["sh"] = lambda text: shlex.quote(str(text))
    return environment


def render(template: str, **values: Any) -> str:
    """Return the text of ``template`` with ``values``; a value that is missing raises ``jinja2.UndefinedError``."""
    return _environment().get_template(template).render(**values)


@lru_cache(maxsize=256)
def render_hosts_toml(file: HostsToml) -> str:
    """Return the text of one registry's hosts.toml."""
    return render("hosts.toml.j2", file=file)
