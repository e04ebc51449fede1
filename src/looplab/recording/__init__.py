"""Recordings: the event stream of a run in a file, which any screen or report can be fed from.

The events are those of the wire, so a replay takes the very same path through the model as a live run.
"""

from looplab.recording.marks import Index, Mark, index
from looplab.recording.reader import Recording
from looplab.recording.recorder import Recorder
from looplab.recording.shape import Header, RecordingError
from looplab.recording.shelf import Shelf

__all__ = ["Header", "Index", "Mark", "Recorder", "Recording", "RecordingError", "Shelf", "index"]
