"""A scenario as the lab and the screen use it, and what each key of its file may hold.

The `Meta` of a field is its whole definition: the constraint that is enforced, and the words that a
message uses after "expected".
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from looplab.traffic.plan import Plan

from .article import Article
from .errors import ScenarioError, mend, shown
from .needs import needed_by
from .services import Services

SERVERS = ("uvicorn", "gunicorn")
LOOPS = ("auto", "asyncio", "uvloop")
ZOOMS = ("users", "loops", "threads", "code", "figures", "verdict")
"""What can be shown on the full screen, in the order of the key."""

Text = Annotated[str, Meta(min_length=1, description="a text")]
Ident = Annotated[
    str,
    Meta(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", description="small letters, digits and single hyphens"),
]
AppName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
        description='"module:attribute", such as "app:app"',
    ),
]
Number = Annotated[float, Meta(description="a number")]
Positive = Annotated[float, Meta(gt=0, description="a number above 0")]
NotNegative = Annotated[float, Meta(ge=0, description="a number from 0")]
Users = Annotated[int, Meta(ge=1, le=10_000, description="a whole number from 1 to 10000")]
Duration = Annotated[
    float | str,
    Meta(description='a duration, such as "15s", "200ms" or 1.5 seconds', extra={"duration": True}),
]


class Knob(msgspec.Struct, frozen=True, kw_only=True):
    """A number that people turn; it reaches the app as the environment variable `LAB_<NAME>`."""

    name: str
    default: Number
    min: Number
    max: Number
    step: Positive
    unit: Annotated[str, Meta(description='a unit, such as "s"')] = ""
    title: Annotated[str, Meta(description="a text")] = ""

    @property
    def variable(self) -> str:
        """Name of the environment variable."""
        return f"LAB_{self.name.upper()}"


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """What only a person's own app has: no scenario file says it."""

    python: str = ""
    """Interpreter of the app; empty is looplab's own."""
    lent: tuple[str, ...] = ()
    """Packages that the interpreter has not and is lent."""
    app_dir: str = ""
    """Absolute folder that the app is imported from; empty is the one in which it runs."""
    factory: bool = False
    """Whether the name is that of a function that makes the app."""
    interface: Literal["asgi", "wsgi"] = "asgi"
    """How the app is called."""
    worker_class: str = "uvicorn.workers.UvicornWorker"
    """What serves an ASGI app under gunicorn."""
    arguments: tuple[str, ...] = ()
    """Further arguments of the server."""
    reload: bool = False
    """Whether the server starts its workers anew when a file has changed."""
    ready_s: float = 120.0
    """Seconds that it may take until it is ready."""
    source: str = ""
    """File of the app's module where it is not below the folder; empty where it is, or nobody knows."""
    roots: tuple[str, ...] = ()
    """Absolute folders of code that is the person's own besides the one in which the app runs."""


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One way to serve the same requests."""

    id: Ident
    title: Text
    app: AppName
    server: Annotated[str, Meta(description="a server")] = "uvicorn"
    workers: Annotated[int, Meta(ge=1, le=64, description="a whole number from 1 to 64")] = 1
    """Workers of each instance."""
    instances: Annotated[int, Meta(ge=1, le=16, description="a whole number from 1 to 16")] = 1
    """Servers, each on a port of its own; the traffic is balanced over them."""
    threads: Annotated[int, Meta(ge=1, le=256, description="a whole number from 1 to 256")] = 1
    """Threads of each worker of gunicorn."""
    worker_connections: (
        Annotated[int, Meta(ge=1, le=100_000, description="a whole number from 1 to 100000")] | None
    ) = None
    """Connections that each worker of gunicorn accepts at most; None leaves it to gunicorn."""
    loop: Annotated[str, Meta(description="an event loop")] = "auto"
    shows: Annotated[str, Meta(description="the name of a function")] = ""
    traffic: Plan | None = None
    """The scenario's traffic with this variant's own keys; None where it has none."""
    own: Own | None = None
    """Of a person's own app; None in a scenario."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that a program can check against the numbers of the median runs."""

    text: Text
    left: Text
    op: Annotated[str, Meta(description="a comparison")]
    right: Text


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the presenter: what is said, what is set, and the state that leads on."""

    say: Text
    """Shown at once, large; a question, most of the time."""
    answer: Annotated[str, Meta(description="a text")] = ""
    """Shown in its place once the state is reached, or when the speaker goes on."""
    notes: Annotated[str, Meta(description="a text")] = ""
    """For the speaker alone."""
    variant: str | None = None
    """Started anew, even if it runs already."""
    knobs: dict[str, float] = {}
    users: Users | None = None
    rate: (
        Annotated[float, Meta(gt=0, le=100_000, description="a number above 0 and at most 100000")] | None
    ) = None
    """Requests a second of an open plan."""
    think: Duration | None = None
    mix: Annotated[
        dict[str, NotNegative], Meta(description="a table of weights by the names of the mix")
    ] = {}
    burst: Annotated[bool, Meta(description="true or false")] = False
    """Whether a burst is fired."""
    traffic: Annotated[str, Meta(description='"start" or "stop"')] = ""
    zoom: Annotated[str, Meta(description="a panel")] = ""
    """Panel that has the full screen during the step."""
    until: Annotated[str, Meta(description="a state expression")] = ""
    """State expression; empty leads on by hand."""
    hold: Duration | None = None
    """Seconds for which each text stands at least before it goes on by itself; None is by its length."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A question, the variants that answer it, and the traffic that shows the answer."""

    id: str
    folder: Path
    """Absolute; holds `scenario.toml` and the app."""
    title: str
    question: str
    source: str
    """Where the facts come from."""
    knobs: dict[str, Knob]
    variants: list[Variant]
    traffic: Plan
    claims: list[Claim]
    steps: list[Step]
    services: Services = Services()
    """What runs beside the server."""
    notes: str = ""
    """What was measured, and where it differs from what the source says."""
    facts: dict[str, str] = {}
    """SQL queries by name; each gives one number, and a RUN has by how much it has changed."""
    article: Article | None = None
    """What an article has measured; None if there is none to compare with."""

    def by_article(self) -> Scenario:
        """Give the same scenario with the traffic and the knobs of its article.

        Raises:
            ScenarioError: it has no article.
        """
        article = self.article
        if article is None:
            raise ScenarioError(
                f"{self.id} has no figures of an article; leave --article away, or add [article] "
                f"to {shown(self.folder)}/scenario.toml"
            )
        knobs = {
            name: replace(knob, default=article.knobs.get(name, knob.default))
            for name, knob in self.knobs.items()
        }
        if article.traffic is None:
            return replace(self, knobs=knobs)
        variants = [replace(variant, traffic=None) for variant in self.variants]
        return replace(self, knobs=knobs, traffic=article.traffic, variants=variants)

    def variant(self, id: str) -> Variant:
        """Find a variant by its id.

        Raises:
            ScenarioError: there is none of that id; the message says which is near.
        """
        for variant in self.variants:
            if variant.id == id:
                return variant
        known = [variant.id for variant in self.variants]
        raise ScenarioError(f'{self.id} has no variant "{id}"; {mend(id, known)}')

    def app_file(self, variant: Variant) -> Path:
        """Find the file that holds a variant's app, which is also what the code panel prints."""
        if variant.own is not None and variant.own.source:
            return Path(variant.own.source)
        module = self.folder.joinpath(*variant.app.partition(":")[0].split("."))
        package = module / "__init__.py"
        return package if package.is_file() else module.with_name(module.name + ".py")

    @property
    def live_knobs(self) -> set[str]:
        """Name the knobs that turn a service while it runs, and that no app reads."""
        upstream = self.services.upstream
        if upstream is None:
            return set()
        files = {self.app_file(variant) for variant in self.variants}
        apps = "".join(file.read_text(encoding="utf-8", errors="replace") for file in files if file.is_file())
        return {name for name in upstream.knobs if self.knobs[name].variable not in apps}

    @property
    def needs(self) -> list[str]:
        """What a machine must have for it beyond looplab itself."""
        needs = needed_by({self.app_file(variant) for variant in self.variants})
        needs |= {"uvloop" for variant in self.variants if variant.loop == "uvloop"}
        needs |= {variant.server for variant in self.variants if variant.server != "uvicorn"}
        return sorted(needs | ({"postgres"} if self.services.postgres else set()))
