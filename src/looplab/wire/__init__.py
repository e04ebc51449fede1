"""The wire: event types, frames, the emitter and the receiver. Knows nothing of what events mean."""
