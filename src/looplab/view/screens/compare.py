"""The screen of a comparison: variants side by side, or one below the other, on one time axis."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.screen import Screen
from textual.widgets import Static

from looplab.lab import Selection
from looplab.view import layout
from looplab.view.compare import layout as places_of
from looplab.view.compare.card import Card, Readings
from looplab.view.compare.comparing import Comparing
from looplab.view.compare.panels import Banner, CompareFooter, CompareHeader, OfPicture, Untitled
from looplab.view.compare.picture import Picture
from looplab.view.keys import ALONE, COMPARE_KEYS
from looplab.view.palette import Palette
from looplab.view.panels import step
from looplab.view.panels.axis import AxisPanel
from looplab.view.panels.failure import FailurePanel
from looplab.view.panels.loops import LoopsPanel
from looplab.view.panels.pressed import PressedPanel
from looplab.view.panels.step import StepPanel
from looplab.view.panels.threads import ThreadsPanel
from looplab.view.panels.users import UsersPanel
from looplab.view.screens.corner import Corner
from looplab.view.screens.details import DetailsScreen
from looplab.view.screens.logs import LogScreen
from looplab.view.widget import PanelWidget
from looplab.wire.clock import MS


class CompareScreen(Screen[Selection | None]):
    """Keys and places. It is dismissed with the selection to open."""

    DEFAULT_CSS: ClassVar[str] = """
    CompareScreen { background: $background; layout: vertical; overflow: hidden; layers: default top; }
    CompareScreen PanelWidget { height: 1; width: 1fr; background: $background; }
    CompareScreen #compare-header, CompareScreen #compare-footer { background: $surface; }
    CompareScreen #step, CompareScreen #pressed { display: none; }
    CompareScreen #pressed { layer: top; position: absolute; }
    CompareScreen #variants { height: 1fr; width: 1fr; layout: vertical; }
    CompareScreen .variant { height: 1fr; width: 1fr; layout: horizontal; }
    CompareScreen .bands { height: 1fr; width: 1fr; layout: vertical; }
    CompareScreen.side-by-side #variants { layout: horizontal; }
    CompareScreen.side-by-side .variant { layout: vertical; margin-right: 1; }
    CompareScreen #too-small { display: none; width: 1fr; height: 1fr; content-align: center middle; }
    CompareScreen.too-small #room { display: none; }
    CompareScreen.too-small #too-small { display: block; }
    """

    KEYS_HERE = ("Compare", COMPARE_KEYS)
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(key.keys, key.action, key.help, show=False) for key in COMPARE_KEYS),
        *(Binding(name, f"alone('{shown}')", "", show=False) for name, shown in ALONE),
    ]

    def __init__(self, comparing: Comparing, clock: Callable[[], int]) -> None:
        """Show a comparison.

        Args:
            comparing: what is shown.
            clock: gives the present moment.
        """
        super().__init__()
        self.comparing = comparing
        self._clock = clock
        self._count = len(comparing.keepers)
        self._zoomed = False
        """Whether the variant that is picked has the screen."""
        self._laid: tuple[object, ...] = ()
        self._corner = Corner()
        self._band = 0
        self._composed = False
        self._frame = 0
        self._shown: list[tuple[PanelWidget, int]] = []
        """The panels that can be seen, each with the place of its variant; -1 if it is about all."""
        self._period = max(self._count - 1, 1)
        """The bands of a variant move in one of so many frames: all of four in each would cost too much."""

    def on_mount(self) -> None:
        """Take frames from now on: the panels are there."""
        self._composed = True

    def compose(self) -> ComposeResult:
        """Make the panels."""
        yield Static(id="too-small", markup=False)
        with Vertical(id="room"):
            yield PanelWidget(CompareHeader(), id="compare-header")
            yield PanelWidget(StepPanel(), id="step")
            yield PanelWidget(Banner(), id="banner")
            with Container(id="variants"):
                for place in range(self._count):
                    with Container(id=f"variant-{place}", classes="variant"):
                        yield PanelWidget(Card(place), id=f"card-{place}")
                        with Container(id=f"bands-{place}", classes="bands"):
                            yield PanelWidget(FailurePanel(alone=False), id=f"failure-{place}")
                            yield PanelWidget(UsersPanel(self._count), id=f"users-{place}")
                            yield PanelWidget(Untitled(UsersPanel(self._count)), id=f"shape-{place}")
                            yield PanelWidget(LoopsPanel(), id=f"loops-{place}")
                            yield PanelWidget(Untitled(LoopsPanel()), id=f"lanes-{place}")
                            yield PanelWidget(ThreadsPanel(), id=f"threads-{place}")
                            yield PanelWidget(Untitled(ThreadsPanel()), id=f"slots-{place}")
                            yield PanelWidget(AxisPanel(), id=f"axis-{place}")
                            yield PanelWidget(Readings(place), id=f"readings-{place}")
            yield PanelWidget(AxisPanel(), id="axis-all")
            yield PanelWidget(Untitled(AxisPanel()), id="legend")
            yield PanelWidget(CompareFooter(), id="compare-footer")
        yield PanelWidget(PressedPanel(), id="pressed")

    @property
    def columns(self) -> int:
        """Columns of time that each variant has."""
        return layout.columns(self._band or self.size.width)

    def frame(self, now_ns: int, late_ns: int) -> None:
        """Show a moment: the only place where what the models say reaches a widget.

        Args:
            now_ns: the present moment.
            late_ns: how late the frame comes.
        """
        began_ns = self._clock()
        picture = self.comparing.frame(now_ns, self.columns)
        self.take(picture)
        front = self.app.screen
        if isinstance(front, DetailsScreen | LogScreen) and front.is_mounted:
            # The picture goes on around the page.
            front.take(picture.selected)
        self.comparing.frame_took(now_ns, (self._clock() - began_ns) / MS, late_ns / MS)

    def commands(self) -> Iterable[SystemCommand]:
        """Give what the command palette lists."""
        for key in COMPARE_KEYS:
            if key.title:
                yield SystemCommand(key.title, f"key {key.shown}", partial(self._run_later, key.action))

    def _run_later(self, action: str) -> None:
        self.call_later(self.run_action, action)

    @property
    def _pressed(self) -> PanelWidget:
        return self.query_one("#pressed", PanelWidget)

    @property
    def _look(self) -> Palette:
        return self.query_one("#banner", PanelWidget).panel.palette

    def take(self, picture: Picture) -> None:
        """Place the panels if their places changed, then give each its frame."""
        if not self._composed:
            return
        self._place(picture)
        self._corner.place(self._pressed, picture.selected, self.size)
        self._pressed.take(picture.selected)
        leader = max(picture.views, key=lambda view: (view.elapsed_ns, not view.finished))
        self._frame += 1
        for widget, place in self._shown:
            if isinstance(widget.panel, OfPicture):
                widget.panel.picture = picture
                widget.take(picture.views[max(place, 0)])
                continue
            view = picture.views[place] if place >= 0 else leader
            if (
                place < 0
                or view.frozen
                or view.finished
                or place % self._period == self._frame % self._period
            ):
                widget.take(view)

    def _place(self, picture: Picture) -> None:
        width, height = self.size
        workers = max(max(len(view.model.workers), 1) for view in picture.views)
        failed = [view.never_ready for view in picture.views]
        alone = self.comparing.picked if self._zoomed else None
        told = step.rows(picture.choice.telling, width, height)
        key = (width, height, workers, failed, alone, told)
        if key == self._laid:
            return
        self._laid = key
        fits = layout.fits(width, height)
        self.set_class(not fits, "too-small")
        if not fits:
            needed = f"{layout.LEAST_WIDTH}×{layout.LEAST_HEIGHT}"
            said = f"looplab needs {needed} cells; this terminal has {width}×{height}."
            self.query_one("#too-small", Static).update(said)
            return
        places = places_of.plan(width, height - told, 1 if self._zoomed else self._count, workers=workers)
        self._band = places.band
        side = places.side_by_side
        with self.app.batch_update():
            self.set_class(side, "side-by-side")
            for place in range(self._count):
                more = int(place < places.spare)
                rows = {
                    "users": places.users if side else 0,
                    "shape": 0 if side else places.users + more,
                    "loops": places.loops if side else 0,
                    "lanes": 0 if side else places.loops,
                    "threads": places.threads if side else 0,
                    "slots": 0 if side else places.threads,
                    "axis": places.axis,
                    "readings": places.figures,
                    "card": places.card if side else places.block + more,
                }
                bands = [name for name in rows if name not in ("card", "readings")]
                if failed[place]:
                    rows |= {"failure": sum(rows[name] for name in bands), **dict.fromkeys(bands, 0)}
                for name, tall in {"failure": 0, **rows}.items():
                    self._show_rows(f"{name}-{place}", tall)
                self.query_one(f"#variant-{place}").display = alone in (None, place)
                self.query_one(f"#variant-{place}").styles.height = "1fr" if side else places.block + more
                self.query_one(f"#card-{place}").styles.width = "1fr" if side else places.card
                self.query_one(f"#bands-{place}").styles.width = "1fr" if side else places.band
            self._show_rows("step", told)
            self._show_rows("banner", places.banner)
            self._show_rows("axis-all", 0 if side else 1)
            self._show_rows("legend", 1 if side or places.foot > 1 else 0)
            self.query_one("#axis-all").styles.padding = (0, 0, 0, 0 if side else places.card)
        self._shown = []
        for widget in self.query_one("#room").query(PanelWidget):
            _, _, number = (widget.id or "").rpartition("-")
            place = int(number) if number.isdigit() else -1
            if widget.display and (place < 0 or alone in (None, place)):
                self._shown.append((widget, place))

    def _show_rows(self, name: str, rows: int) -> None:
        widget = self.query_one(f"#{name}")
        widget.display = rows > 0
        widget.styles.height = max(rows, 1)

    # What people do

    def action_back(self) -> None:
        """Go back to the main screen, with the variant that is picked."""
        self.comparing.close()
        self.dismiss(self.comparing.chosen)

    def end(self) -> None:
        """End the comparison, with nothing to open: something else is run."""
        self.comparing.close()
        self.dismiss(None)

    def action_open(self) -> None:
        """Open the variant that is picked."""
        self.action_back()

    def action_zoom(self) -> None:
        """Give the variant that is picked the whole screen, or show all again."""
        self._zoomed = not self._zoomed
        if self._zoomed:
            self.comparing.say("all go on: tab shows the next one, z all of them")

    def action_leave(self) -> None:
        """Show all again; then go back."""
        if self._zoomed:
            self.action_zoom()
        else:
            self.action_back()

    def action_record(self) -> None:
        """Record all of them, or end the recordings."""
        self.comparing.taping.toggle()

    def action_alone(self, shown: str) -> None:
        """Say of a key of the main screen where it works."""
        variant = self.comparing.chosen.variant.title
        self.comparing.say(f"{shown} works with one variant: enter opens {variant}")

    def action_pick(self, step: int) -> None:
        """Pick the next or previous variant."""
        self.comparing.pick(self.comparing.picked + step)

    def action_pick_at(self, place: int) -> None:
        """Pick a variant by its place."""
        self.comparing.pick(place)

    def action_swap(self) -> None:
        """Show another variant in its place."""
        self.comparing.swap()

    def action_turns(self) -> None:
        """Run them one after the other, or all at once."""
        self.comparing.toggle_turns()

    def action_traffic(self) -> None:
        """Stop the traffic, or start it again."""
        self.comparing.traffic()

    def action_burst(self) -> None:
        """Fire a burst."""
        self.comparing.burst()

    def action_freeze(self) -> None:
        """Hold the picture, or let it go on."""
        self.comparing.freeze()

    def action_scrub(self, step: int) -> None:
        """Go through a held picture."""
        self.comparing.scrub(step)

    def action_users(self, step: int) -> None:
        """Change the users, or the rate."""
        self.comparing.users(step)

    def action_knob(self, step: int) -> None:
        """Pick a control."""
        self.comparing.pick_knob(step)

    def action_turn(self, step: int) -> None:
        """Turn the picked control."""
        self.comparing.turn(step)

    def action_details(self) -> None:
        """Show what is behind the verdict of the variant that is picked."""
        self.app.push_screen(DetailsScreen(self._look, named=True))

    def action_logs(self) -> None:
        """Show the log of the variant that is picked."""
        self.app.push_screen(LogScreen(self.comparing.keepers[self.comparing.picked]))
