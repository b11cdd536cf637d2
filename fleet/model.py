"""What every part of the inventory's model is: unknown keys are mistakes, values are as written."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict

HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
"""A name in DNS, or an IPv4 address."""


class Strict(BaseModel):
    """The base of all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)
