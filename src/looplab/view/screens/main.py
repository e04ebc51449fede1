"""The main screen: places the panels, and gives them a view once a frame."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Static

from looplab.view import helppages, layout, zoom
from looplab.view.keys import KEYS
from looplab.view.panels import step
from looplab.view.panels.axis import AxisPanel
from looplab.view.panels.band import lanes_of
from looplab.view.panels.big import BigFiguresPanel
from looplab.view.panels.code import CodePanel
from looplab.view.panels.failure import FailurePanel
from looplab.view.panels.footer import Footer
from looplab.view.panels.header import Header
from looplab.view.panels.line import LinePanel
from looplab.view.panels.loops import LoopsPanel
from looplab.view.panels.numbers import NumbersPanel
from looplab.view.panels.pressed import PressedPanel
from looplab.view.panels.step import StepPanel
from looplab.view.panels.threads import ThreadsPanel
from looplab.view.panels.track import TrackPanel
from looplab.view.panels.users import UsersPanel
from looplab.view.panels.verdict import VerdictPanel
from looplab.view.panels.waiting import WaitingPanel
from looplab.view.panels.why import WhyPanel
from looplab.view.screens.corner import Corner
from looplab.view.state import View
from looplab.view.widget import PanelWidget


class MainScreen(Screen[None]):
    """Header, verdict, the bands on one time axis, code and numbers, footer."""

    DEFAULT_CSS: ClassVar[str] = """
    MainScreen { background: $background; layout: vertical; overflow: hidden; layers: default top; }
    MainScreen PanelWidget { height: 1; width: 1fr; background: $background; }
    MainScreen #header, MainScreen #footer, MainScreen #track { background: $surface; }
    MainScreen #body { height: 1fr; width: 1fr; }
    MainScreen #left, MainScreen #right { height: 1fr; }
    MainScreen #right { margin-left: 1; }
    MainScreen #failure, MainScreen #figures, MainScreen #why { height: 1fr; display: none; }
    MainScreen #step, MainScreen #pressed { display: none; }
    MainScreen #pressed { layer: top; position: absolute; }
    MainScreen.figures #figures, MainScreen.verdict #why { display: block; }
    MainScreen.figures #bands, MainScreen.verdict #bands { display: none; }
    MainScreen #too-small { display: none; width: 1fr; height: 1fr; content-align: center middle; }
    MainScreen #waiting { height: 1fr; display: none; }
    MainScreen.failed #failure, MainScreen.waiting #waiting { display: block; }
    MainScreen.waiting #bands, MainScreen.waiting #figures, MainScreen.waiting #why { display: none; }
    MainScreen.failed #bands, MainScreen.failed #figures, MainScreen.failed #why { display: none; }
    MainScreen.too-small #room { display: none; }
    MainScreen.too-small #too-small { display: block; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key.keys, f"app.{key.action}", key.help, show=False) for key in KEYS),
        *(Binding(str(n % 10), f"app.open({n})", f"scenario {n}", show=False) for n in range(1, 11)),
    ]

    def __init__(self, *, code: bool = True) -> None:
        """Make the screen.

        Args:
            code: whether the code is shown where there is room.
        """
        super().__init__()
        self.code_wanted = code
        self._code_narrow = False
        self.zoomed = ""
        """Panel that has the full screen, by its name in `zoom`; empty if all are shown."""
        self._laid: tuple[object, ...] = ()
        self._shape: tuple[int, int, int, int] | None = None
        self._corner = Corner()
        self._bands_columns = 0
        self._panels: list[PanelWidget] = []

    def on_mount(self) -> None:
        """Take frames from now on: the panels are there."""
        self._panels = list(self.query(PanelWidget))

    async def on_click(self, event: events.Click) -> None:
        """Explain a panel by a click on its title, or on what has no meaning of its own."""
        widget = event.widget
        if isinstance(widget, PanelWidget) and widget.id is not None:
            page = helppages.page_of(widget.id, event.y, widget.size.height)
            if page:
                await self.app.run_action(f"app.help('{page}')")

    def compose(self) -> ComposeResult:
        """Make the panels."""
        yield Static(id="too-small", markup=False)
        with Vertical(id="room"):
            yield PanelWidget(Header(), id="header")
            yield PanelWidget(StepPanel(), id="step")
            yield PanelWidget(VerdictPanel(), id="verdict")
            with Horizontal(id="body"):
                with Vertical(id="left"):
                    with Vertical(id="bands"):
                        yield PanelWidget(UsersPanel(), id="users")
                        yield PanelWidget(LoopsPanel(), id="loops")
                        yield PanelWidget(ThreadsPanel(), id="threads")
                        yield PanelWidget(CodePanel(), id="code-narrow")
                        yield PanelWidget(AxisPanel(), id="axis")
                    yield PanelWidget(BigFiguresPanel(), id="figures")
                    yield PanelWidget(WhyPanel(), id="why")
                    yield PanelWidget(FailurePanel(), id="failure")
                    yield PanelWidget(WaitingPanel(), id="waiting")
                with Vertical(id="right"):
                    yield PanelWidget(CodePanel(), id="code")
                    yield PanelWidget(NumbersPanel(), id="numbers")
            yield PanelWidget(LinePanel(), id="line")
            yield PanelWidget(TrackPanel(), id="track")
            yield PanelWidget(Footer(), id="footer")
        yield PanelWidget(PressedPanel(), id="pressed")

    def columns(self) -> int:
        """Give the columns of time that the bands have."""
        return layout.columns(self._bands_columns or self.size.width)

    def toggle_code(self) -> None:
        """Show or hide the code; a narrow terminal swaps it in for the bands."""
        if layout.is_wide(self.size.width):
            self.code_wanted = not self.code_wanted
        else:
            self._code_narrow = not self._code_narrow

    def take(self, view: View) -> None:
        """Place the panels if something about their places changed, then give each its frame."""
        if not self._panels:
            return
        self._place(view)
        self._corner.place(self.query_one("#pressed"), view, self.size)
        for widget in self._panels:
            widget.take(view)

    def _place(self, view: View) -> None:
        width, height = self.size
        fits = layout.fits(width, height)
        code = self.code_wanted if layout.is_wide(width) else self._code_narrow
        workers, pools, grid = lanes_of(view)
        panel = self.query_one("#code", PanelWidget).panel
        lines = panel.lines(view) if isinstance(panel, CodePanel) else 0
        if self._shape is None or not view.frozen:
            self._shape = (workers, pools, grid, lines)
        # A held picture keeps its places, whoever comes meanwhile.
        workers, pools, grid, lines = self._shape
        told = step.rows(view.choice.telling, width, height)
        track = int(view.transport is not None)
        zoomed = "" if view.never_ready else self.zoomed
        key = (
            *(width, height, code, workers, pools, grid, lines, len(view.knobs), view.never_ready),
            *(told, track, zoomed, view.nobody_yet),
        )
        if key == self._laid:
            return
        self._laid = key
        self.set_class(not fits, "too-small")
        if not fits:
            needed = f"{layout.LEAST_WIDTH}×{layout.LEAST_HEIGHT}"
            said = f"looplab needs {needed} cells; this terminal has {width}×{height}."
            self.query_one("#too-small", Static).update(said)
            return
        if zoomed:
            places = zoom.plan(zoomed, width, height - told - track)
        else:
            places = layout.plan(
                width,
                height - told - track,
                workers=workers,
                pools=pools,
                grid=grid,
                code=code,
                lines=lines,
                knobs=len(view.knobs),
            )
        self._bands_columns = places.left
        with self.app.batch_update():
            self.set_class(view.never_ready, "failed")
            self.set_class(view.nobody_yet, "waiting")
            for page in zoom.PAGES:
                self.set_class(zoomed == page, page)
            self.query_one("#left").styles.width = places.left
            right = self.query_one("#right")
            right.display = places.right > 0
            right.styles.width = max(places.right, 1)
            for name, rows in (
                ("step", told),
                ("track", track),
                ("verdict", places.verdict),
                ("users", places.users),
                ("loops", places.loops),
                ("threads", places.threads),
                ("axis", places.axis),
                ("code", places.code if places.right else 0),
                ("code-narrow", 0 if places.right else places.code),
                ("numbers", places.numbers),
                ("line", places.line),
            ):
                widget = self.query_one(f"#{name}")
                widget.display = rows > 0
                widget.styles.height = max(rows, 1)
