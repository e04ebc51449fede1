"""The panels: one a file, each a plain object that takes a `View` and gives strips.

A panel is used in four steps: `resize`, `dress` with a palette, `take` a view (which answers the rows
that changed), and `line` for each row that is to be drawn. `PanelWidget` does so within Textual.
"""
