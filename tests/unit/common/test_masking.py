from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import mask, mask_urls, unified_diff
from tests.unit.containerd.samples import OLD

AUTH = f'{OLD}.registry.configs."h".auth'

# id: (text, masked), all of it TOML
CASES = {
    "what is below an auth table": (
        f"[{AUTH}]\n  username = 'u'\n  password=\"p\"  # was q\n\n  auth = ''\r\n",
        f'[{AUTH}]\n  username = "****"\n  password="****"\n\n  auth = "****"\r\n',
    ),
    "dotted": (f'{AUTH}.password = "p"\n', f'{AUTH}.password = "****"\n'),
    "inline": (
        f'[{OLD}.registry.configs]\n"h" = {{auth = {{username = "u"}}, tls = {{ca_file = "/ca"}}}}\n',
        f'[{OLD}.registry.configs]\n"h" = {{auth = "****", tls = {{ca_file = "/ca"}}}}\n',
    ),
    "inline in an array": ('a = [{password = "p", b = 1}]\n', 'a = [{password = "****", b = 1}]\n'),
    "top-level auths": ('[auths."https://u:p@h"]\nX = "y"\n', '[auths."https://****@h"]\nX = "****"\n'),
    "header tables of a hosts.toml": (
        'server = "https://h"\n[host."https://h".header]\n  Authorization = [\n    "Basic eA==",\n  ]\n'
        '  x-custom = "y"\n',
        'server = "https://h"\n[host."https://h".header]\n  Authorization = "****"\n  x-custom = "****"\n',
    ),
    "whatever the case": (
        '[x.Headers]\ny = 1\n[z]\nIdentityToken = "t"\n',
        '[x.Headers]\ny = "****"\n[z]\nIdentityToken = "****"\n',
    ),
    "secret words in longer keys": (
        'client_secret = "s"\napi-key = "k"\n',
        'client_secret = "****"\napi-key = "****"\n',
    ),
    "a multi-line string": ('a = 1\ntoken = """\nx\n= y\n"""\nb = 2\n', 'a = 1\ntoken = "****"\nb = 2\n'),
    "a key with an equals sign": ('["a=b".auth]\n"x=y" = "z"\n', '["a=b".auth]\n"x=y" = "****"\n'),
    "no trailing newline": ('password = "p"', 'password = "****"'),
    "URLs everywhere": (
        '# see http://u:p@h/x\nendpoint = ["http://u:p@w@h:1/v2", "http://h/a@b"] # https://tok@h\n',
        '# see http://****@h/x\nendpoint = ["http://****@h:1/v2", "http://h/a@b"] # https://****@h\n',
    ),
    "comments": (
        '# password = "p"\n  #auth: abc\n#username="u"\na = 1 # token = t\n# auth = { password = "p" } # b\n',
        '# password = "****"\n  #auth: "****"\n#username="****"\na = 1 # token = "****"\n# auth = "****"\n',
    ),
    "comments in an array": ("a = [\n  # password = p\n  1,\n]\n", 'a = [\n  # password = "****"\n  1,\n]\n'),
}


@pytest.mark.parametrize("name", CASES)
def test_secrets_are_masked(name: str) -> None:
    text, masked = CASES[name]
    assert mask(text) == masked
    assert mask(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"version = 2\r\n\n[{OLD}.registry]\n\tconfig_path = '/etc' # the root\n  # authorised by ops\n",
        f'[{OLD}.registry.configs."h".tls]\n  key_file = "/k"\n  insecure_skip_verify = true\n',
        '[timeouts]\n  "io.containerd.timeout.task.state" = "2s"\n',
        "[grpc]\n  tcp_tls_key = ''\n  uid = 0",
    ],
)
def test_what_is_no_secret_stays_byte_for_byte(text: str) -> None:
    assert mask(text) == text


BROKEN = f"""version = 2
{{{{ if x }}}}
keep = "this"
[{AUTH}]
  username = "hunter2"
  other = "hunter2"
  list = [
    "hunter2",
    ["hunter2"],
  ]
  stray hunter2
[keep.that]
  keep = ["this",
  "this"]
  password = "hunter2" # hunter2
  token = '''
hunter2 = x
'''
  auth = {{ password = "hunter2" }}
  # password: hunter2
  endpoint = "http://u:hunter2@h"
  Authorization = [
    "hunter2",
  ]
  keep = "this"
[x.header
  y = "hunter2"
"""


def test_a_text_that_is_not_toml_is_masked_by_its_lines() -> None:
    masked = mask(BROKEN)
    assert "hunter2" not in masked
    assert masked.count("\n") == BROKEN.count("\n")
    assert masked.count('"this"') == BROKEN.count('"this"')
    assert mask(masked) == masked


@given(
    st.text()
    | st.lists(st.sampled_from(["auth", "[", "]", " = ", '"', "'''", "\n", "#", "{", "}", "x", "://", "@", ":"])).map(
        "".join
    )
)
def test_any_text_is_masked(text: str) -> None:
    assert mask(text).count("\n") <= text.count("\n")


LINES = ["a = 1\n", "[t]\n", "# note\n", "\n", "oops oops\n", 'x = """\n', "y = [\n", "]\n", "[z.auth]\n"]
SECRETS = ['password = "hunter2"\n', "  Token='hunter2'\n", '# auth = "hunter2"\n', 'e = "http://u:hunter2@h"\n']


@given(st.lists(st.sampled_from(LINES + SECRETS)).map("".join))
def test_no_secret_line_shows_in_whatever_company(text: str) -> None:
    assert "hunter2" not in mask(text)


def test_a_difference_is_masked() -> None:
    before = f'a = 1\n[{AUTH}]\npassword = "p"\nb = 1\n'
    after = f'a = 2\n[{AUTH}]\npassword = "p"\nb = 1\n'
    assert unified_diff("/etc/c.toml", before, after) == (
        "--- a/etc/c.toml\n+++ b/etc/c.toml\n@@ -1,4 +1,4 @@\n-a = 1\n+a = 2\n"
        f' [{AUTH}]\n password = "****"\n b = "****"\n'
    )


# What took minutes where a pattern read a word again for each of its letters: 100 KB of each in one line.
ADVERSARIAL = [
    "token",
    "token-",
    "a=",
    "password=",
    "://",
    "u:p@",
    "@",
    ":",
    "?",
    "https://h?",
    '"',
    "'",
    "{",
    "[a]",
    "#",
    " ",
    "\\",
    '\\"""',
    "token=[",
    '"token":{"',
    "Bearer ",
    "eyJa.",
    "-----BEGIN PRIVATE KEY-----",
    '\\"',
    '--a \\"',
    '-u "\\',
    "--token ",
    "--token\n - ",
    "@tcp(",
    "u:p@tcp(",
    "a://",
    "Basic ",
    "-----BEGIN PRIVATE KEY-----",
    "password:\n ",
    "password = [\n",
]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", ADVERSARIAL)
@pytest.mark.parametrize("function", [mask, mask_urls, lambda text: unified_diff("/f", "", text)])
def test_masking_takes_time_in_proportion_to_the_text(unit: str, function: Callable[[str], str]) -> None:
    text = unit * (100_000 // len(unit))
    for whole in (text, f"a = {text}\n", f'a = "{text}"\n', f"# {text}\n", f"[{text}]\nb = 1\n", f"token = [{text}"):
        function(whole)
