"""No credential of any text is shown, wherever it stands; what is none is shown as it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common import brief, mask_text
from common.masking import MESSAGE_LENGTH

PEM = "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----"

# id: (text, masked)
CASES = {
    "a flag in an array": ('args = ["--registry-token=hunter2", "-v"]', 'args = ["--registry-token=****", "-v"]'),
    "a flag and its value": ('args = ["--password", "hunter2", "-v"]', 'args = ["--password", "****", "-v"]'),
    "over several lines": ('[\n  "--token",\n  "hunter2",\n]', '[\n  "--token",\n  "****",\n]'),
    "a command line": ("ctr --token hunter2 --root /x", "ctr --token **** --root /x"),
    "an environment": ('env = ["A=1", "REG_TOKEN=hunter2"]', 'env = ["A=1", "REG_TOKEN=****"]'),
    "a header": ('["Authorization: Basic aHVudGVyMg=="]', '["Authorization: ****"]'),
    "a header in a command": ('curl -H "Authorization: Bearer hunter2" h', 'curl -H "Authorization: ****" h'),
    "a bearer without a header": ("got Bearer hunter2hunter2 back", "got Bearer **** back"),
    "a basic login without a header": ("got Basic dTpodW50ZXIy back", "got Basic **** back"),
    "a JSON web token": ("x eyJhbGciOi.eyJzdWIi.c2ln y", "x **** y"),
    "JSON": ('{"password": "hunter2", "b": 1}', '{"password": "****", "b": 1}'),
    "a number in JSON": ('{"token": 12345, "b": [1]}', '{"token": "****", "b": [1]}'),
    "an object in JSON": ('{"auths": {"h": {"x": ["hunter2"]}}, "b": 1}', '{"auths": "****", "b": 1}'),
    "JSON in a string": (r'"{\"token\":\"hunter2\"}"', r'"{\"token\":****"'),
    "a connection string": ('"AccountName=a;AccountKey=hunter2==;E=1"', '"AccountName=a;AccountKey=****"'),
    "a data source": ('dsn = "host=h password=hunter2 port=1"', 'dsn = "host=h password=****"'),
    "a user of another scheme": ("postgres://u:hunter2@h/db", "postgres://****@h/db"),
    "a user without a scheme": ('"u:hunter2@tcp(h:3306)/x"', '"****@tcp(h:3306)/x"'),
    "a query": ('"redis://h/?password=hunter2"', '"redis://h/?****"'),
    "a private key": (f"a |\n{PEM}\nx", "a |\n-----BEGIN RSA PRIVATE KEY-----****-----END RSA PRIVATE KEY-----\nx"),
    "a private key that is cut off": (PEM[:40], "-----BEGIN RSA PRIVATE KEY-----****"),
    "a log line": ('level=error msg="bad token=hunter2" b="c"', 'level=error msg="bad token=****" b="c"'),
    "lines in a string": ("x = '''\nTOKEN=hunter2\necho\n'''", "x = '''\nTOKEN=****\necho\n'''"),
    "an apostrophe before it": ("it can't log in: password = hunter2", 'it can\'t log in: password = "****"'),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_credential_is_masked(name: str) -> None:
    text, masked = CASES[name]
    assert mask_text(text) == masked
    assert mask_text(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "use basic authentication, or Bearer tokens",
        "see token://x and authors: none",
        'containerd exited: open "/etc/x.toml": no such file',
        'authorised_by = "ops"\r\nkey_file = "/k"\n',
        "root@192.0.2.1: permission denied",
        "password=",
    ],
)
def test_what_has_no_credential_stays_byte_for_byte(text: str) -> None:
    assert mask_text(text) == text


NAMES = st.sampled_from(["password", "REG_TOKEN", "--client-secret", "Authorization", "api-key", "a.private_key"])
SECRETS = st.from_regex(r"[a-zA-Z0-9+/=_.-]{1,6}hunter2[a-zA-Z0-9+/=_.-]{0,6}", fullmatch=True)
SHAPES = st.sampled_from(
    [
        lambda name, secret: f"{name}={secret}",
        lambda name, secret: f"before {name}: {secret}",
        lambda name, secret: f'x = ["a", "{name}={secret}"]',
        lambda name, secret: json.dumps({"a": {name: secret, "b": 1}}),
        lambda name, secret: json.dumps({name: [secret, {"x": secret}]}, indent=1),
        lambda name, secret: json.dumps({"outer": json.dumps({name: secret})}),
        lambda name, secret: f"'{name}: {secret}'",
        lambda name, secret: f'{name} = """\n{secret}\nb\n"""',
        lambda name, secret: f"# {name} = {secret}",
    ]
)


@settings(max_examples=1500)
@given(SHAPES, NAMES, SECRETS, st.sampled_from(["", "a b\n", "it's ", '"q" ', "[", "}", "\\"]))
def test_a_credential_in_any_shape_is_masked(shape, name: str, secret: str, before: str) -> None:  # type: ignore[no-untyped-def]
    masked = mask_text(before + shape(name, secret))
    assert "hunter2" not in masked
    assert mask_text(masked) == masked


@given(st.text())
def test_masking_twice_changes_nothing(text: str) -> None:
    assert mask_text(mask_text(text)) == mask_text(text)


def test_urls_alone() -> None:
    assert mask_text("http://old:5000, http://u:p@h") == "http://old:5000, http://****@h"
    assert mask_text('configs."u:p@h".auth, r.example:5000/a') == 'configs."****@h".auth, r.example:5000/a'
    assert mask_text('"https://h/?token=t"') == '"https://h/?****"'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("short", "short"),
        ("x" * 3000, "…"),
        ("word " * 1000, "word " * 408 + "word…"),
        (f"{'a' * 2040} password=hunter2", f"{'a' * 2040}…"),
    ],
)
def test_a_message_is_cut_between_words(text: str, shown: str) -> None:
    assert brief(text) == shown
    assert len(brief(text)) <= MESSAGE_LENGTH
