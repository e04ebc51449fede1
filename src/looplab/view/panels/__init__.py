"""The panels: one a file, each a plain object that takes a `View` and gives strips.

A panel is used in four steps: `resize`, `dress` with a palette, `take` a view (which answers the rows
that changed), and `line` for each row that is to be drawn. `PanelWidget` does so within Textual, in
looplab's screen or in that of another program: there a `Watch` makes the views, and needs a model only.
`docs/panels.md` lists what each panel needs.
"""

from looplab.view.panels.axis import AxisPanel
from looplab.view.panels.base import Panel
from looplab.view.panels.code import CodePanel
from looplab.view.panels.failure import FailurePanel
from looplab.view.panels.footer import Footer
from looplab.view.panels.header import Header
from looplab.view.panels.keybar import KeyBar
from looplab.view.panels.line import LinePanel
from looplab.view.panels.loops import LoopsPanel
from looplab.view.panels.numbers import NumbersPanel
from looplab.view.panels.threads import ThreadsPanel
from looplab.view.panels.users import UsersPanel
from looplab.view.panels.verdict import VerdictPanel
from looplab.view.watch import Watch
from looplab.view.widget import PanelWidget

__all__ = [
    "AxisPanel",
    "CodePanel",
    "FailurePanel",
    "Footer",
    "Header",
    "KeyBar",
    "LinePanel",
    "LoopsPanel",
    "NumbersPanel",
    "Panel",
    "PanelWidget",
    "ThreadsPanel",
    "UsersPanel",
    "VerdictPanel",
    "Watch",
]
