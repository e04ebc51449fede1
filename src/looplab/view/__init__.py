"""The screen: a Textual application that draws what the model says, thirty times a second.

`app` is wiring. `panels` holds one panel a file: each is a plain object that takes a `View` and gives
strips, so it can be tested, or used elsewhere, without an application. `window` and `paint` are pure.
"""
