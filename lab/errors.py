"""What can go wrong in the lab, each with a message for the operator."""

from __future__ import annotations


class LabError(Exception):
    """The lab cannot do what was asked; its text is one line for the operator."""

    exit_code = 1


class LabUsageError(LabError):
    """What was asked makes no sense: an unknown node, or more workers than there are addresses."""

    exit_code = 2
