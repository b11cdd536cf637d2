"""What can go wrong on a node once it answers."""

from __future__ import annotations


class TaskError(Exception):
    """Base of everything that a task raises; the message is one line for the operator."""


class NodeNotReady(TaskError):
    """The node lacks something without which it cannot be read or changed."""


class StepFailed(TaskError):
    """A step of the transaction did not succeed on the node."""


class NotServing(StepFailed):
    """A cache could not be changed, and the one from before does not serve either."""


class Locked(StepFailed):
    """A run's maintenance lock refuses to stop or replace a cache that runs; nothing was changed."""
