"""One parser: what a URL says is what every connection gets; what cannot be read is refused without its password."""

from typing import Any

import pytest

from ari.base.errors import ConfigurationError
from ari.storage.database_url import parse


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://u:p@h/d", {"user": "u", "password": "p", "host": "h", "dbname": "d"}),
        ("postgres://h:1/d", {"host": "h", "port": "1", "dbname": "d"}),
        ("postgresql+psycopg://h/d", {"host": "h", "dbname": "d"}),
        (" postgresql://h/d\n", {"host": "h", "dbname": "d"}),
        ("postgresql:///", {}),
        ("postgresql://u:a:b#c?d@h/d", {"user": "u", "password": "a:b#c?d", "host": "h", "dbname": "d"}),
        (
            "postgresql://u%40x:%2F%3A%25%40%23é@h/d%2Fe",
            {"user": "u@x", "password": "/:%@#é", "host": "h", "dbname": "d/e"},
        ),
        ("postgresql://h1:1,h2/d", {"host": "h1,h2", "port": "1,", "dbname": "d"}),
        ("postgresql://u@/d?host=h1:1&host=h2:2", {"user": "u", "host": "h1,h2", "port": "1,2", "dbname": "d"}),
        ("postgresql:///d?host=h:5", {"host": "h", "port": "5", "dbname": "d"}),
        ("postgresql://[::1]:5/d", {"host": "::1", "port": "5", "dbname": "d"}),
        ("postgresql:///d?host=[::1]:5&host=/run:6", {"host": "::1,/run", "port": "5,6", "dbname": "d"}),
        ("postgresql:///d?host=::1", {"host": "::1", "dbname": "d"}),
        ("postgresql:///d?host=/var/run/postgresql", {"host": "/var/run/postgresql", "dbname": "d"}),
        ("postgresql://%2Fvar%2Frun/d", {"host": "/var/run", "dbname": "d"}),
        ("postgresql://h/d?options=-csearch_path%3Da", {"host": "h", "dbname": "d", "options": "-csearch_path=a"}),
        ("postgresql://h/d?options=-csearch_path=a", {"host": "h", "dbname": "d", "options": "-csearch_path=a"}),
        ("postgresql://h/d?search_path=a,%20b", {"host": "h", "dbname": "d", "options": r"-csearch_path=a,\ b"}),
        ("postgresql://h/d?ssl=true", {"host": "h", "dbname": "d", "sslmode": "require"}),
        (
            "postgresql://h/d?sslmode=verify-full&sslrootcert=/a b&connect_timeout=3",
            {"host": "h", "dbname": "d", "sslmode": "verify-full", "sslrootcert": "/a b", "connect_timeout": "3"},
        ),
        ("postgresql:///?service=ari", {"service": "ari"}),
    ],
)
def test_what_a_url_says(url: str, said: dict[str, str]) -> None:
    """libpq's grammar, and what else is common and unambiguous."""
    assert dict(parse(url).given) == said


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://h/d", "use a postgresql:// URL"),
        ("postgresql://u:hush@hush@h/d", "percent-encoded"),
        ("postgresql://u:hush/hush@h/d", "percent-encoded"),
        ("postgresql://u:12/hush@h/d", "percent-encoded"),
        ("postgresql://u:hush?hush/x@h/d", "percent-encoded"),
        ("postgresql://u:hush%hush@h/d", "percent-encoded"),
        ("postgresql://u:hush%00@h/d", "percent-encoded"),
        ("postgresql://u:hu sh@h/d", "percent-encoded"),
        ("postgresql://u:hush@h/d/e", "percent-encoded"),
        ("postgresql://u:hush@h:99999/d", "a port must be a number"),
        ("postgresql://u:hush@h:port/d", "a port must be a number"),
        ("postgresql://u:hush@[::1/d", "[ ]"),
        ("postgresql://u:hush@h/d?sslmode=no-verify", "sslmode must be one of"),
        ("postgresql://u:hush@h/d?schema=public", "search_path"),
        ("postgresql://u:hush@h/d?pgbouncer=true", "pgbouncer"),
        ("postgresql://u:hush@h/d?currentSchema=x", "search_path"),
        ("postgresql://u:hush@h/d?conect_timeout=5", "conect_timeout"),
        ("postgresql://u:hush@h/d?hush hush=5", "has no parameter"),
        ("postgresql://u:hush@h/d?sslmode", "must be name=value"),
        ("postgresql://u:hush@h/d?sslmode=require&sslmode=disable", "twice"),
        ("postgresql://u:hush@h/d?connect_timeout=hush", "seconds"),
        ("postgresql://u:hush@h/d?target_session_attrs=standby", "read-write"),
        ("postgresql://u:hush@h/d?replication=database", "replication"),
    ],
)
def test_what_is_refused_is_named_without_the_password(url: str, words: str) -> None:
    """One sentence, which says what to write instead."""
    with pytest.raises(ConfigurationError) as refused:
        parse(url)
    assert words in str(refused.value)
    assert "hush" not in str(refused.value)


def test_what_the_url_says_wins_where_that_is_safe() -> None:
    """Not for the encoding, a longer wait, or the name by which ARI finds its own connections."""
    url = parse(
        "postgresql://h/d?keepalives_idle=9&target_session_attrs=primary&client_encoding=latin1&application_name=x"
        "&connect_timeout=60"
    )
    found = url.parameters("ari verify", 1.5)
    wanted: dict[str, Any] = {
        "keepalives_idle": "9",
        "target_session_attrs": "primary",
        "client_encoding": "UTF8",
        "application_name": "ari verify x",
        "connect_timeout": 2,
    }
    assert {name: found[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    "url", ["postgresql://h/d", "postgresql://h1,h2/d", "postgresql://h/d?target_session_attrs=any"]
)
def test_a_standby_is_never_asked(url: str) -> None:
    """Its responses are old; with several hosts the first that responds may be one."""
    assert parse(url).parameters("ari")["target_session_attrs"] == "read-write"


def test_the_environment_of_libpq_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ARI would overwrite is taken up; the rest libpq reads itself."""
    monkeypatch.setenv("PGOPTIONS", "-cwork_mem=1MB")
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "1")
    url = parse("postgresql://h/d?search_path=a")
    assert url.options == "-cwork_mem=1MB -csearch_path=a"
    assert url.parameters("ari")["connect_timeout"] == 1


def test_secrets_are_cut_from_what_others_say() -> None:
    """Plain or percent-encoded; a password that is also the user's name is masked with it."""
    url = parse("postgresql://u:to%2Fp%20secret@h/d?sslpassword=hushhush")
    assert url.without_secrets("to/p secret, to%2Fp%20secret, to/p%20secret, hushhush") == "***, ***, ***, ***"
    assert parse("postgresql://postgres:postgres@h/d").without_secrets('role "postgres"') == 'role "postgres"'
