"""One run after another: servers, traffic, receiver and model, without a screen."""

from looplab.lab.attachment import Attachment, attachment
from looplab.lab.door import Door, DoorError
from looplab.lab.ensemble import Ensemble
from looplab.lab.lab import Lab
from looplab.lab.selection import Selection
from looplab.lab.shot import Shot

__all__ = ["Attachment", "Door", "DoorError", "Ensemble", "Lab", "Selection", "Shot", "attachment"]
