"""A server's message is passed on in one line, with a remedy; messages that may quote a row are not."""

import psycopg
import pytest

from ari.base.secrets_in_text import mask_passwords
from ari.base.throttle import Throttle
from ari.storage.postgres_reasons import all_of, log_reason, parse_message, reason_of


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ('connection failed: … failed: FATAL:  password authentication failed for user "u"', "the password"),
        ('FATAL:  role "u" does not exist', "create the role"),
        ('FATAL:  database "d" does not exist', "CREATE DATABASE"),
        ('could not translate host name "x" to address: Name or service not known', "Correct the host"),
        ("failed to resolve host 'x': [Errno -2] Name or service not known", "Correct the host"),
        ('connection to server at "x", port 1 failed: Connection refused\n\tIs the server running?', "host and port"),
        ('connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory', "host and port"),
        ("connection timeout expired", "firewalls"),
        ("server does not support SSL, but SSL was required", "sslmode=disable"),
        ("SSL error: certificate verify failed", "sslrootcert"),
        ('server certificate for "a" does not match host name "b"', "names this host"),
        ('root certificate file "/home/ari/.postgresql/root.crt" does not exist', "sslrootcert"),
        ('FATAL:  no pg_hba.conf entry for host "h", user "u", database "d", no encryption', "pg_hba.conf"),
        ("session is read-only", "primary"),
        ("server is in hot standby mode", "primary"),
        ("cannot execute INSERT in a read-only transaction", "primary"),
        ("FATAL:  sorry, too many clients already", "max_connections"),
        ("FATAL:  remaining connection slots are reserved for roles with …", "max_connections"),
        ('FATAL:  too many connections for role "u"', "CONNECTION LIMIT"),
        ("FATAL:  the database system is starting up", "Wait"),
        ("FATAL:  the database system is shutting down", "Wait"),
        ("FATAL:  the database system is not yet accepting connections", "Wait"),
        ("permission denied for schema public", "GRANT USAGE, CREATE ON SCHEMA public TO"),
        ("permission denied for table api_keys", "own ARI's tables"),
        ('permission denied for database "d"', "GRANT CONNECT"),
        ("must be owner of table api_keys", "role that owns"),
        ("FATAL:  conversion between UTF8 and MULE_INTERNAL is not supported", "ENCODING 'UTF8'"),
        ("FATAL:  unsupported startup parameter: options", "ignore_startup_parameters"),
        ("transaction blocks not allowed in statement pooling mode", "pool_mode"),
        ("query_wait_timeout", "default_pool_size"),
        ('prepared statement "_pg3_0" does not exist', "ARI_DATABASE_POOLER=transaction"),
        ('could not extend file "base/1/2": No space left on device', "disk"),
        ('relation "api_keys" does not exist', "ari migrate"),
        ('relation "events" already exists', "of its own"),
        ('invalid channel_binding value: "x"', "this parameter"),
    ],
)
def test_each_usual_mistake_has_a_remedy(words: str, remedy: str) -> None:
    """The server's words come first and stay on one line."""
    said = parse_message(words)
    assert remedy in said.remedy
    assert "\n" not in said.words
    assert said.words.rstrip(".").removeprefix("… failed: ") in words.replace("FATAL:  ", "")


def test_all_hosts_that_failed_are_named() -> None:
    """psycopg tries one after the other."""
    text = (
        "connection failed: b\nMultiple connection attempts failed. All failures were:\n"
        "- host: 'x', port: '1', hostaddr: '::1': connection failed: a\n"
        "- host: 'x', port: '2', hostaddr: '::1': connection failed: b"
    )
    assert parse_message(text).words == "a; b."


def test_words_that_may_quote_a_row_are_kept() -> None:
    """Of a refused value nothing is passed on."""
    assert reason_of(psycopg.errors.UniqueViolation("Key (email)=(a@b) exists")) is None
    assert reason_of(psycopg.errors.InvalidTextRepresentation("invalid input: hush")) is None
    assert reason_of(ValueError("x")) is None
    assert reason_of(psycopg.errors.InsufficientPrivilege("permission denied for table t")) is not None


@pytest.mark.parametrize(
    "text",
    [
        "could not read postgresql://u:hush@h/d",
        "postgres://u:hu@sh:hush@h/d?sslmode=x",
        "Traceback …\n  host=h password=hush dbname=d",
        "password='hu \\' hush' x",
        "postgresql+psycopg://:hush@h",
        "?user=u&password=hush&x=y",
        "smtp://u:hush@h",
    ],
)
def test_addresses_lose_their_password(text: str) -> None:
    """Wherever one turns up: in the log, in a traceback, in an error."""
    assert "hush" not in mask_passwords(text)


def test_a_reason_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """Every request fails while a database is gone; the log does not fill."""
    now_seconds = 1000.0
    throttle = Throttle(60, lambda: now_seconds, 100)
    for _ in range(100):
        log_reason("gone", throttle)
    log_reason("another", throttle)
    log_reason(None, throttle)
    assert [line.rpartition(": ")[2] for line in caplog.messages] == ["gone", "another"]
    now_seconds += 61
    log_reason("gone", throttle)
    assert len(caplog.messages) == 3


def test_the_words_of_every_server_are_in_one_line() -> None:
    """Of several servers each may fail for its own reason; one of them may itself have been tried at two addresses."""
    several = "Multiple connection attempts failed. All failures were:\n"
    several += "- host: 'b', port: None, hostaddr: '10.0.0.1': connection failed: FATAL:  no such user\n"
    several += "- host: 'b', port: None, hostaddr: '10.0.0.2': connection failed: session is read-only"
    first = "connection failed: Connection refused\n\tIs it running?"
    said = reason_of(all_of([psycopg.OperationalError(words) for words in (first, several)]))
    assert said is not None
    assert said.startswith("Connection refused; no such user; session is read-only.")
