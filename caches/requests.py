"""The requests in a registry's log, of registry 2.x and 3.x: its access log, and its own lines as text or JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import parse_qs, unquote, urlsplit

# CLIENT - USER [TIME] "METHOD URI PROTOCOL" STATUS SIZE "REFERRER" "AGENT"
_ACCESS = re.compile(r'(?P<client>\S+) \S+ \S+ \[[^]]*\] "(?P<method>[A-Z]+) (?P<uri>\S+) [^"]*" (?P<status>\d{3}) ')
# key=value, or key="value" with Go's escapes.
_FIELD = re.compile(r'([\w.]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')
_PATH = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs)/(?P<which>[^/]+)")
_DONE = "response completed"


@dataclass(frozen=True)
class Request:
    """One request: whose it was, what was asked, and the status of the answer."""

    client: str
    method: str
    uri: str
    status: int

    @property
    def ns(self) -> str:
        """The registry that the client's image is named by: containerd sends it to mirrors (since 1.4)."""
        return next(iter(parse_qs(urlsplit(self.uri).query).get("ns", ())), "")

    @property
    def repository(self) -> str:
        """The repository that was asked for; empty where it was none."""
        match = self._path
        return unquote(match["repository"]) if match else ""

    @property
    def what(self) -> str:
        """What was asked for in the repository, such as ``manifests/1``."""
        match = self._path
        return f"{match['kind']}/{match['which']}" if match else ""

    @property
    def served(self) -> bool:
        """Whether the client got it here: also by a redirection to where it is."""
        return 200 <= self.status < 400

    @property
    def _path(self) -> re.Match[str] | None:
        return _PATH.fullmatch(urlsplit(self.uri).path)


def requests(log: str) -> tuple[Request, ...]:
    """Return the requests in a log, in its order. One that is told twice, in both kinds of line, is there twice."""
    return tuple(_requests(log))


def _requests(log: str) -> Iterator[Request]:
    for line in log.splitlines():
        if match := _ACCESS.match(line):
            yield Request(_client(match["client"]), match["method"], match["uri"], int(match["status"]))
        elif _DONE in line:
            yield from _told(_fields(line))


def _told(fields: Mapping[str, object]) -> Iterator[Request]:
    said = {key: str(value) for key, value in fields.items()}
    status = said.get("http.response.status", "")
    if said.get("msg", "").startswith(_DONE) and status.isdecimal():
        client, uri = said.get("http.request.remoteaddr", ""), said.get("http.request.uri", "")
        yield Request(_client(client), said.get("http.request.method", ""), uri, int(status))


def _fields(line: str) -> dict[str, object]:
    if line.startswith("{"):
        try:
            found = json.loads(line)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}
    return {key: re.sub(r"\\(.)", r"\1", quoted) or plain for key, quoted, plain in _FIELD.findall(line)}


def _client(address: str) -> str:
    """Return an address without port and brackets; IPv4 as such, also where the log has it as IPv6."""
    for text in (address, address.rpartition(":")[0]):
        try:
            found = ip_address(text.strip("[]").partition("%")[0])
        except ValueError:
            continue
        mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
        return str(mapped or found)
    return address
