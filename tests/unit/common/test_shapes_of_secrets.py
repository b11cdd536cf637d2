"""A secret is planted in every shape that files, logs and command lines have for one: it never shows."""

from __future__ import annotations

import json
import string

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from common import brief, mask, unified_diff

# each with %s where the secret is
TOML = {
    "a flag in an array": 'args = ["--v=4", "--registry-token=%s", "--log"]\n',
    "the item behind a flag": 'args = [\n  "--password",\n  "%s",\n  "--v=4",\n]\n',
    "the item behind a flag, on its line": "args = ['--token', '%s']\n",
    "a variable": 'env = ["HOME=/root", "REGISTRY_TOKEN=%s"]\n',
    "a variable of AWS": "env = ['AWS_SECRET_ACCESS_KEY=%s']\n",
    "a number behind a key": "password = %s\n",
    "an array behind a key": "tokens = [['%s'], 1]\n",
    "a table under a key": '[x.credentials]\nvalue = "%s"\n',
    "a header in a string": 'headers_of_ours = ["Authorization: Bearer %s"]\n',
    "a header": 'x = ["Authorization = Basic %s"]\n',
    "a header in a table": '[host."https://h".header]\n  x-token = ["Basic %s",\n "y"]\n',
    "a scheme alone": 'x = ["Bearer %s"]\n',
    "a multi-line string": 'x = """\nfirst\npassword = %s\n"""\n',
    "the second line of a multi-line string": 'password = """\nfirst\n%s\n"""\n',
    "a database": 'x = "postgres://u:%s@db:5432/x?sslmode=off"\n',
    "a database with a slash in its password": 'x = "postgres://u:a/%s@db:5432/x"\n',
    "a driver": 'x = "user:%s@tcp(127.0.0.1:3306)/db"\n',
    "a driver with a slash in its password": 'x = "user:a/%s@tcp(127.0.0.1:3306)/db"\n',
    "an account": 'x = "AccountName=a;AccountKey=%s;Suffix=core"\n',
    "words of a connection": "x = \"host=db user=u password='%s' dbname=x\"\n",
    "a connection of .NET": 'x = "Server=db;Uid=u;Pwd=%s;Pooling=true"\n',
    "userinfo without a scheme": 'x = "u:%s@h:5000/a"\n',
    "userinfo without a password": 'x = "https://%s@h"\n',
    "a private key": 'x = """\n-----BEGIN RSA PRIVATE KEY-----\nMII\n%s\n-----END RSA PRIVATE KEY-----\n"""\n',
    "JSON in a string": 'x = "{\\"auths\\": {\\"h\\": {\\"auth\\": \\"%s\\"}}}"\n',
    "an inline table": 'x = [{a = {password = "%s"}}]\n',
    "a comment": "x = 1 # --token=%s\n",
}
OTHERS = {
    "a command line": "containerd --config /x --registry-token %s --v 4",
    "a quoted argument": "run --password 'a %s b' --v 4",
    "curl": "curl -u me:%s https://h/",
    "a login": "docker login -u me -p %s h:5000",
    "a header of curl": "curl -H 'Authorization: Bearer %s' https://h/",
    "an environment": "TOKEN=%s ctr images pull x",
    "a log line": 'time="x" level=error msg="failed" password=%s',
    "a scheme in a message": "unexpected: Basic %s was refused",
    "a URL in a message": "Get http://u:%s@h/v2/: refused",
    "a query": "GET https://h/token?code=%s: 401",
    "JSON": '{\n  "auths": {\n    "h": {\n      "auth": "%s"\n    }\n  }\n}\n',
    "JSON in a line": '{"auths": {"h": {"auth": "%s"}}}',
    "a list of JSON": '{"args": [\n  "--token",\n  "%s"\n]}',
    "YAML": "proxy:\n  password: %s\nlog: {}\n",
    "a block of YAML": "proxy:\n  password: |\n    first\n\n    %s\nlog: {}\n",
    "a folded string of YAML": "a: b: c\nproxy:\n  password: first\n    %s\n",
    "a quoted string of YAML over lines": 'proxy:\n  password: "first\n\n %s"\nlog: {}\n',
    "a list of YAML": "headers:\n- first\n- %s\nlog: {}\n",
    "the item behind a flag in YAML": "args:\n  - --token\n  - %s\n",
    "a key that is cut": "x\n-----BEGIN PRIVATE KEY-----\n%s\nMII",
    "a string that is cut": 'a b c\npassword = "first %s',
    "nested arrays": 'oops oops\nAuthorization = [\n  ["a"],\n  "]",\n  "%s",\n]\n',
}
ALL = {**TOML, **OTHERS}
secrets = st.text(string.ascii_letters + string.digits, min_size=6, max_size=30).map(lambda text: f"s3{text}")


@pytest.mark.parametrize("name", ALL)
def test_a_planted_secret_never_shows(name: str) -> None:
    masked = mask(ALL[name] % "12345678901")
    assert "12345678901" not in masked
    assert "****" in masked
    assert mask(masked) == masked


@given(secrets, st.lists(st.sampled_from(sorted(ALL.values())), min_size=1, max_size=4))
def test_nor_in_any_company(secret: str, texts: list[str]) -> None:
    text = "\n".join(each % secret for each in texts)
    masked = mask(text)
    assert secret not in masked
    assert mask(masked) == masked
    assert secret not in unified_diff("/x", None, text)


@given(secrets, st.sampled_from(sorted(OTHERS.values())), st.integers(0, 60))
def test_nor_where_a_message_is_cut(secret: str, text: str, before: int) -> None:
    shown = mask(brief("x " * ((2048 - before) // 2) + text % secret))
    assert secret[:5] not in shown


UNCHANGED = [
    'args = ["--v=4", "--config", "/etc/x.toml"]\nenv = ["HOME=/root", "PATH=/bin"]\n',
    'time="2026-01-01T00:00:00Z" level=info msg="starting containerd" revision=abc version=2.1.9\n',
    "proxy:\n  remoteurl: https://ghcr.io\nlog: {level: info}\n",
    '{"nodes": {"worker-1": {"outcome": "migrated"}}}',
    "Basic authentication is not used; a Bearer token is asked for\n",
    "containerd does not start: toml: line 3: expected newline but got 'x'",
    "mkdir -p /etc/containerd/certs.d and docker run -p 5000:5000 x",
    'failed to authorize: failed to fetch anonymous token: Get "https://auth.docker.io/": dial tcp: refused\n',
    'failed to do request: Head "http://127.0.0.1:9/v2/a/manifests/1?ns=docker.io": connection refused',
    "failed to fetch oauth token: unexpected status: 401 Unauthorized",
    "systemctl restart containerd -p ExecMainPID --value",
    'x = "mail@example.com"\ny = "h:5000/a@sha256:0123"\n',
    "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n",
]


@pytest.mark.parametrize("text", UNCHANGED)
def test_what_has_no_secret_is_left_as_it_is(text: str) -> None:
    assert mask(text) == text


plain = st.recursive(
    st.integers() | st.booleans() | st.text("abcdefg /.-", max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdefg", min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcdefg", min_size=1), plain, max_size=4))
def test_no_document_without_a_secret_changes(document: dict[str, object]) -> None:
    for text in (json.dumps(document), json.dumps(document, indent=2), yaml.safe_dump(document)):
        assert mask(text) == text


@given(plain, secrets)
def test_nothing_below_a_secret_key_shows(inner: object, secret: str) -> None:
    document = {"a": {"password": [inner, secret], "z": 1}}
    for text in (json.dumps(document), json.dumps(document, indent=2), yaml.safe_dump(document)):
        assert secret not in mask(text)


def test_what_stands_beside_a_secret_stays() -> None:
    text = 'args = ["--registry-token=x1", "--v=4"] # why\n[grpc]\n  address = "/run/x.sock"\n'
    assert mask(text) == text.replace("x1", "****")
    text = "postgres://u:p@db:5432/x and http://h/a@b"
    assert mask(text) == "postgres://****@db:5432/x and http://h/a@b"
    assert mask("user:p/w@tcp(127.0.0.1:3306)/db") == "****@tcp(127.0.0.1:3306)/db"
