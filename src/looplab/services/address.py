"""The address of a PostgreSQL: what a person gives, what an app is given, what is shown."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from looplab.services.failure import ServiceFailed

URL = "LOOPLAB_POSTGRES_URL"
"""Environment variable with the address of a server that is used instead of the embedded one."""

SCHEMA = "looplab"
"""Schema that holds all that looplab makes in a database."""

EXAMPLE = "postgresql://user:password@127.0.0.1:5432/database"


def check(url: str) -> str:
    """Look whether it can be an address, and give it.

    Raises:
        ServiceFailed: it cannot.
    """
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("postgresql", "postgres") and parts.port != 0
    except ValueError:
        known = False
    if not known:
        # It may hold a password at a place where none is looked for.
        raise ServiceFailed(f"{URL} is no address of a PostgreSQL; expected {EXAMPLE}")
    return url


def of_socket(folder: str) -> str:
    """Give the address of the embedded server, whose socket is in this folder."""
    # With the port, so that no PGPORT of the environment counts.
    return f"postgresql://{SCHEMA}@/postgres?host={quote(folder)}&port=5432"


def with_schema(url: str) -> str:
    """Give the address as apps get it: names without a schema are looked for in looplab's own."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    own = " ".join([*(value for name, value in query if name == "options"), f"-csearch_path={SCHEMA}"])
    query = [*((name, value) for name, value in query if name != "options"), ("options", own)]
    # libpq takes a + for a plus.
    return urlunsplit(parts._replace(query=urlencode(query, quote_via=quote)))


def shown(url: str) -> str:
    """Write an address without its password."""
    parts = urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    query = "&".join(
        "password=…" if part.startswith("password=") else part for part in parts.query.split("&")
    )
    return urlunsplit(parts._replace(netloc=f"{name}{colon and ':…'}{at}{place}", query=query))
