"""looplab: the terminal lab in which people see an event loop.

The data path, which is also the order of the rooms::

    scenario server (1..N worker processes)        traffic process
    ┌─────────────────────────────────────┐        ┌──────────────────────────┐
    │ app <- probe: requests, loop watch, │        │ executors -> HTTP client │
    │        thread slots                 │        │ four times a request     │
    │        -> buffer -> emitter thread  │        │ -> buffer -> emitter     │
    └──────────────────┬──────────────────┘        └────────────┬─────────────┘
                       └── wire: msgpack batches, one Unix socket ┘
                                         │
       lab process:  receiver -> inbox -> model.apply(events) -> view.frame() | report

Everything a screen, a report or a test sees comes from one `model` fed by one stream of events.
Live, headless and tests differ only in who fills the inbox. docs/architecture.md has the rules.
"""

__version__ = "0.1.0"
