"""hosts.toml files, and which servers each generation asks because of them, in order.

CACHE and OTHER are hosts, SERVER is the `server`; images are named by REGISTRY, which is asked last where no server is.
"""

from __future__ import annotations

from dataclasses import dataclass

REGISTRY = "127.0.0.1:8"
CACHE, OTHER, SERVER = "http://127.0.0.1:9", "http://127.0.0.1:10", "https://127.0.0.1:7"
BOTH = 'capabilities = ["pull", "resolve"]\n'
HEAD = f'server = "{SERVER}"\n'


@dataclass(frozen=True)
class Case:
    """A file; `one` and `two` are what 1.x and 2.x ask because of it, or None where they ignore the whole file."""

    text: str
    one: tuple[str, ...] | None
    two: tuple[str, ...] | None


def host(url: str, body: str = BOTH) -> str:
    return f'[host."{url}"]\n{body}'


def both(text: str, *asked: str) -> Case:
    return Case(text, asked, asked)


def ignored(text: str) -> Case:
    return Case(text, None, None)


AT, THERE, LAST = f"{CACHE}/v2", f"{OTHER}/v2", f"{SERVER}/v2"
CASES = {
    "plain": both(HEAD + host(CACHE), AT, LAST),
    "no server": both(host(CACHE), AT),
    "server alone": Case(HEAD, None, (LAST,)),
    "server and an empty [host]": both(HEAD + "[host]\n", LAST),
    "nothing but a comment": Case("# nothing\n", None, ()),
    "in the order of the file": both(HEAD + host(OTHER) + host(CACHE), THERE, AT, LAST),
    "an IPv6 address in a header": Case(
        HEAD + host("http://[::1]:9") + host(CACHE), None, ("http://[::1]:9/v2", AT, LAST)
    ),
    "the same in single quotes": Case(f"{HEAD}[host.'http://[::1]:9']\n{BOTH}", None, ("http://[::1]:9/v2", LAST)),
    "an IPv6 address as server": both(f'server = "http://[::1]:7"\n{host(CACHE)}', AT, "http://[::1]:7/v2"),
    "dotted keys": Case(f'{HEAD}host."{CACHE}".{BOTH}', (AT, LAST), (LAST,)),
    "dotted keys below [host]": Case(f'{HEAD}[host]\n"{CACHE}".{BOTH}', (AT, LAST), (LAST,)),
    "inline tables": Case(f'{HEAD}host = {{"{CACHE}" = {{{BOTH.strip()}}}}}\n', (AT, LAST), (LAST,)),
    "an inline table below [host]": Case(f'{HEAD}[host]\n"{CACHE}" = {{{BOTH.strip()}}}\n', (AT, LAST), (LAST,)),
    "a host twice": ignored(HEAD + host(CACHE) + host(CACHE)),
    "a header table alone": both(f'{HEAD}[host."{CACHE}".header]\nx = "y"\n', AT, LAST),
    "a header table first": both(f'{HEAD}[host."{CACHE}".header]\nx = "y"\n{host(OTHER)}', AT, THERE, LAST),
    "server below a header": both(host(CACHE) + HEAD, AT),
    "push as well": both(HEAD + host(CACHE, 'capabilities = ["pull", "resolve", "push"]\n'), AT, LAST),
    "capabilities in capitals": both(HEAD + host(CACHE, 'capabilities = ["Pull", "RESOLVE"]\n'), AT, LAST),
    "an unknown capability": ignored(HEAD + host(CACHE, 'capabilities = ["pull", "resolv"]\n')),
    "capabilities as a string": ignored(HEAD + host(CACHE, 'capabilities = "pull"\n')),
    "no capability": both(HEAD + host(CACHE, "capabilities = []\n"), AT, LAST),
    "capabilities that are not set": both(HEAD + host(CACHE, ""), AT, LAST),
    "pull alone": both(HEAD + host(CACHE, 'capabilities = ["pull"]\n'), LAST),
    "resolve alone": both(HEAD + host(CACHE, 'capabilities = ["resolve"]\n'), LAST),
    "no scheme": both(HEAD + host("127.0.0.1:9"), "https://127.0.0.1:9/v2", LAST),
    "a server without a scheme": both(f'server = "127.0.0.1:7"\n{host(CACHE)}', AT, LAST),
    "an empty server": both(f'server = ""\n{host(CACHE)}', AT),
    "a server that is a number": ignored(f"server = 1\n{host(CACHE)}"),
    "a path": both(HEAD + host(f"{CACHE}/a/b/"), f"{CACHE}/a/b/v2", LAST),
    "the path /v2": both(HEAD + host(f"{CACHE}/v2"), AT, LAST),
    "the path /v2/": both(HEAD + host(f"{CACHE}/v2/"), AT, LAST),
    "a path of its own": both(HEAD + host(f"{CACHE}/a", f"{BOTH}override_path = true\n"), f"{CACHE}/a", LAST),
    "an unknown key": both(f"x = 1\n{HEAD}" + host(CACHE, f"{BOTH}x = 1\n"), AT, LAST),
    "skip_verify as text": ignored(HEAD + host(CACHE, f'{BOTH}skip_verify = "yes"\n')),
    "override_path as text": ignored(HEAD + host(CACHE, f'{BOTH}override_path = "yes"\n')),
    "a number as ca": ignored(HEAD + host(CACHE, f"{BOTH}ca = 1\n")),
    "numbers as ca": ignored(HEAD + host(CACHE, f"{BOTH}ca = [1]\n")),
    "three files as a pair": ignored(HEAD + host(CACHE, f'{BOTH}client = [["a", "b", "c"]]\n')),
    "a number in a header": ignored(f'{HEAD}{host(CACHE)}[host."{CACHE}".header]\nx = 1\n'),
    "dial_timeout": both(HEAD + host(CACHE, f'{BOTH}dial_timeout = "5s"\n'), AT, LAST),
    "dial_timeout without a unit": Case(HEAD + host(CACHE, f'{BOTH}dial_timeout = "5"\n'), (AT, LAST), None),
    "dial_timeout as a number": Case(HEAD + host(CACHE, f"{BOTH}dial_timeout = 5\n"), (AT, LAST), None),
    "an empty file": both(""),
    "no TOML": ignored("[["),
    "a byte order mark": Case("\ufeff" + HEAD + host(CACHE), (AT, LAST), None),
    "CRLF": both((HEAD + host(CACHE)).replace("\n", "\r\n"), AT, LAST),
    "a list of tables": ignored(f'{HEAD}[[host."{CACHE}"]]\n{BOTH}'),
    "host as a number": ignored(f"{HEAD}host = 1\n"),
    "a host as a number": ignored(f'{HEAD}[host]\n"{CACHE}" = 1\n'),
    "Host": Case(f'{HEAD}[Host."{CACHE}"]\n{BOTH}', None, (LAST,)),
    "Server": Case(f'Server = "{SERVER}"\n{host(CACHE)}', (AT,), (AT, LAST)),
    "Capabilities": Case(HEAD + host(CACHE, 'Capabilities = ["resolve"]\n'), (AT, LAST), (LAST,)),
    "Skip_Verify as a number": Case(HEAD + host(CACHE, f"{BOTH}Skip_Verify = 3\n"), (AT, LAST), None),
    "blanks in a header": both(f'{HEAD}[ host . "{CACHE}" ]\n{BOTH}', AT, LAST),
    "[host] and a header": both(f'{HEAD}[host]\n[host."{CACHE}"]\n{BOTH}', AT, LAST),
}
