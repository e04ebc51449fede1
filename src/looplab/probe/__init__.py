"""The probe: instruments inside a server worker. They watch the event loop and never stop it."""
