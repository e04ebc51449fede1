"""What to do instead of a call that held the loop: one sentence for each of the well-known ones.

Three ways out: something that can be awaited, a thread (a route of `def` has one), or another process
where the call keeps the GIL. A call that is not in the table has no advice: none is better than a wrong one.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Way = Literal["await", "thread", "process", "other"]


class Mend(NamedTuple):
    """What helps."""

    text: str
    way: Way


_TO_THREAD: Final = "await anyio.to_thread.run_sync(…) or a route of plain `def` runs the call in a thread"
_PROCESS: Final = "a thread does not help against it, await anyio.to_process.run_sync(…) does"
_CPU: Final = f"It computes and keeps the GIL: {_PROCESS}."


def _awaited(text: str) -> Mend:
    return Mend(f"{text}; {_TO_THREAD}.", "await")


def _in_thread(text: str) -> Mend:
    return Mend(f"{text}: {_TO_THREAD}.", "thread")


_HTTP: Final = _awaited("httpx.AsyncClient and aiohttp can be awaited")
_CLIENT: Final = Mend(
    "A new client loads all certificates: make one when the application starts, and share it.", "other"
)
_MYSQL: Final = _awaited("asyncmy, aiomysql and mysql.connector.aio can be awaited")
_SQL: Final = _awaited("SQLAlchemy's create_async_engine and AsyncSession can be awaited")
_DISK: Final = _in_thread("Files cannot be awaited")
_PASSWORD: Final = _in_thread("A hash of a password is slow on purpose")
_HASH: Final = _in_thread("A hash of much data lets go of the GIL")
_PACKED: Final = _in_thread("Compression lets go of the GIL")
_LIBC: Final = Mend("await asyncio.create_subprocess_exec(…) does not wait for the process.", "await")
_LOCK: Final = Mend(
    "Between tasks asyncio has the same to await (asyncio.Lock, Event, Condition, Semaphore);"
    " between threads, hold it only for moments.",
    "await",
)
_FUTURE: Final = Mend(
    "await asyncio.wrap_future(future) waits for it; if it needs this loop, result() never ends.", "await"
)
_JSON: Final = Mend(
    f"Large documents keep the GIL: orjson and msgspec are several times as fast; {_PROCESS}.", "process"
)
_AWS: Final = _awaited("aioboto3 and aiobotocore can be awaited")

_TABLE: Final[dict[str, Mend]] = {
    "time.sleep": Mend("await asyncio.sleep(…) waits and leaves the loop free.", "await"),
    # HTTP
    "requests": _HTTP,
    "urllib.request": _HTTP,
    "urllib3": _HTTP,
    "http.client": _HTTP,
    "httpx": _awaited("httpx.AsyncClient has the same methods, to await"),
    "httpx.Client": _awaited("httpx.AsyncClient has the same methods, to await"),
    "httpx.AsyncClient": _CLIENT,
    "ssl.create_default_context": Mend(
        "It loads all certificates: make it when the application starts.", "other"
    ),
    "ssl.SSLContext.load_verify_locations": Mend(
        "It loads all certificates: do it when the application starts.", "other"
    ),
    # Databases
    "psycopg": _awaited("psycopg.AsyncConnection has the same methods, to await"),
    "psycopg_pool": _awaited("psycopg_pool.AsyncConnectionPool has the same methods, to await"),
    "psycopg2": _awaited("psycopg 3 (AsyncConnection) and asyncpg can be awaited"),
    "pymysql": _MYSQL,
    "MySQLdb": _MYSQL,
    "mysql.connector": _MYSQL,
    "pyodbc": _awaited("aioodbc can be awaited"),
    "sqlite3": _awaited("aiosqlite can be awaited: it has a thread for each connection"),
    "sqlalchemy": _SQL,
    "sqlmodel": _SQL,
    "django.db": Mend(
        "Django's queries have methods to await (aget, acreate, acount, async for);"
        " sync_to_async(…) takes the rest to a thread.",
        "await",
    ),
    "pymongo": _awaited("pymongo.AsyncMongoClient can be awaited"),
    "redis": _awaited("redis.asyncio has the same commands, to await"),
    "elasticsearch": _awaited("elasticsearch.AsyncElasticsearch has the same methods, to await"),
    # Other services
    "boto3": _AWS,
    "botocore": _AWS,
    "grpc": _awaited("grpc.aio can be awaited"),
    "smtplib": _awaited("aiosmtplib can be awaited"),
    "paramiko": _awaited("asyncssh can be awaited"),
    "socket.getaddrinfo": Mend("await loop.getaddrinfo(…) asks in a thread.", "await"),
    "socket.gethostbyname": Mend("await loop.getaddrinfo(…) asks in a thread.", "await"),
    "socket": Mend(
        "await asyncio.open_connection(…) gives streams to await; loop.sock_recv(…) awaits a socket.", "await"
    ),
    # Processes
    "subprocess": _LIBC,
    "os.system": _LIBC,
    "os.popen": _LIBC,
    "os.waitpid": _LIBC,
    # Files
    "open": Mend("await anyio.open_file(…) opens and reads it in a thread.", "await"),
    "io": Mend("anyio.open_file(…) gives files to await.", "await"),
    "pathlib.Path": Mend("anyio.Path has the same methods, to await.", "await"),
    "os": _DISK,
    "shutil": _DISK,
    "tempfile": _DISK,
    "glob": _DISK,
    "logging": Mend(
        "A handler writes at once: logging.handlers.QueueHandler leaves the writing to another thread.",
        "other",
    ),
    "print": Mend("Whoever reads the output does not keep up: print less, or log through a queue.", "other"),
    "input": Mend("It waits for somebody at the keyboard, and with it everybody else does.", "other"),
    # Hashes and compression
    "hashlib.pbkdf2_hmac": _PASSWORD,
    "hashlib.scrypt": _PASSWORD,
    "hashlib": _HASH,
    "bcrypt": _PASSWORD,
    "argon2": _PASSWORD,
    "passlib": _PASSWORD,
    "zlib": _PACKED,
    "gzip": _PACKED,
    "bz2": _PACKED,
    "lzma": _PACKED,
    "zipfile": _PACKED,
    "tarfile": _PACKED,
    # Computing
    "PIL": _in_thread("Pillow lets go of the GIL while it works on pixels"),
    "numpy": _in_thread("numpy lets go of the GIL in most of what takes long"),
    "torch": _in_thread("torch lets go of the GIL while it computes"),
    "polars": _in_thread("polars lets go of the GIL while it computes"),
    "pandas": Mend(f"pandas keeps the GIL for much of its work: {_PROCESS}.", "process"),
    "json": _JSON,
    "yaml": Mend(f"yaml.CSafeLoader is several times as fast; it keeps the GIL: {_PROCESS}.", "process"),
    "pickle": Mend(f"Large objects keep the GIL: {_PROCESS}, but pickles what it gets and gives.", "process"),
    "re": Mend(
        f"A search keeps the GIL, and nested repeats such as (a+)+ make it endless: rewrite them. For the"
        f" rest {_PROCESS}.",
        "process",
    ),
    "copy.deepcopy": Mend(_CPU, "process"),
    "sorted": Mend(_CPU, "process"),
    "list.sort": Mend(_CPU, "process"),
    "sum": Mend(_CPU, "process"),
    "csv": Mend(_CPU, "process"),
    "xml": Mend(_CPU, "process"),
    "bs4": Mend(_CPU, "process"),
    "gc.collect": Mend("gc.freeze() after the start makes collections short.", "other"),
    "import": Mend(
        "The first import of a module reads and runs it: import it at the top, before the server starts.",
        "other",
    ),
    # Waiting for others
    "threading.Thread.join": _in_thread("It waits for another thread"),
    "threading": _LOCK,
    "multiprocessing": _in_thread("It waits for another process"),
    "queue": Mend(
        "asyncio.Queue can be awaited; a thread puts into it by loop.call_soon_threadsafe(…).", "await"
    ),
    "concurrent.futures": Mend(
        "await loop.run_in_executor(…) waits for the work, and leaves the loop free.", "await"
    ),
    "concurrent.futures.Future": _FUTURE,
    "asyncio.run": Mend("It drives a loop of its own while this one stands: await the coroutine.", "await"),
    "asgiref.sync": Mend("Await the coroutine itself: async_to_sync waits for it.", "await"),
}

_AWAITABLE: Final = ("Async", "async")
"""How names of what can be awaited begin, where a library has both."""


def mend(call: str, keeps_gil: bool = False) -> str:
    """Say what to do instead of a call; empty if that is not known.

    Args:
        call: the call, as a stall names it.
        keeps_gil: whether it has stopped the other threads too, so that a thread would not help.
    """
    found = _find(call)
    if found is None or (keeps_gil and found.way == "thread"):
        return ""
    return found.text


def _find(call: str) -> Mend | None:
    if call.startswith("import "):
        return _TABLE["import"]
    if call in _TABLE:
        return _TABLE[call]
    parts = call.split(".")
    if any(part.startswith(_AWAITABLE) or part == "aio" for part in parts[1:]):
        # It can be awaited, and stalls for another reason.
        return None
    return next(
        (
            _TABLE[name]
            for length in range(len(parts) - 1, 0, -1)
            if (name := ".".join(parts[:length])) in _TABLE
        ),
        None,
    )
