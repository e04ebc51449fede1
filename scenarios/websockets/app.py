"""Connections that are idle most of the time: all on one loop, or each with a thread that waits for it."""

from anyio import CapacityLimiter, from_thread, to_thread
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

on_the_loop = FastAPI()
in_threads = FastAPI()

connected = set()
one_each = CapacityLimiter(10_000)


@on_the_loop.websocket("/")
async def talk_on_the_loop(socket: WebSocket):
    await socket.accept()
    connected.add(socket)
    try:
        async for text in socket.iter_text():
            await send_to_all(text)
    finally:
        connected.discard(socket)


@in_threads.websocket("/")
async def talk_in_a_thread(socket: WebSocket):
    await socket.accept()
    connected.add(socket)
    try:
        await to_thread.run_sync(wait_for_messages, socket, limiter=one_each)
    finally:
        connected.discard(socket)


def wait_for_messages(socket):
    try:
        while True:
            text = from_thread.run(socket.receive_text)
            from_thread.run(send_to_all, text)
    except WebSocketDisconnect:
        pass


async def send_to_all(text):
    for socket in list(connected):
        try:
            await socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError):
            connected.discard(socket)
