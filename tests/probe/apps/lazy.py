"""An application without a framework that imports anyio when it needs it."""

import time


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise ValueError(f"no {scope['type']} here")
    from anyio import to_thread

    await to_thread.run_sync(time.sleep, 0.06)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
