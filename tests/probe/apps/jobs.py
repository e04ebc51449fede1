"""An application that gives jobs to executors and limiters, and stamps them, in nanoseconds."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_process
import anyio.to_thread
from fastapi import FastAPI

now = time.monotonic_ns
gate = threading.Event()
own = ThreadPoolExecutor(2)
library = ThreadPoolExecutor(1)
processes: list[ProcessPoolExecutor] = []
limiters: list[anyio.CapacityLimiter] = []


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    for executor in (own, library, *processes):
        executor.shutdown()


app = FastAPI(lifespan=lifespan)


def job(seconds: float = 0, until: str = "") -> dict[str, int]:
    """Sleep, wait for a file, or wait for the gate; in a thread or in a process."""
    began = now()
    while until and not Path(until).exists():
        time.sleep(0.01)
    if seconds:
        time.sleep(seconds)
    elif not until:
        gate.wait()
    return {"began": began, "ended": now(), "thread": threading.get_ident()}


@app.get("/open")
async def open_gate() -> None:
    gate.set()


@app.get("/to-thread")
async def to_thread() -> dict[str, int]:
    asked = now()
    return {"asked": asked} | await asyncio.to_thread(job)


@app.get("/own")
async def own_executor() -> dict[str, int]:
    asked = now()
    return {"asked": asked} | await asyncio.get_running_loop().run_in_executor(own, job)


@app.get("/submitted")
async def submitted() -> dict[str, int]:
    asked = now()
    return {"asked": asked} | await asyncio.wrap_future(own.submit(job, 0.05))


@app.get("/nested")
async def nested() -> int:
    """Let a job in a thread without a context give another job."""

    def outer() -> int:
        return own.submit(threading.get_ident).result()

    return await asyncio.get_running_loop().run_in_executor(None, outer)


@app.get("/cancelled")
async def cancelled() -> list[bool]:
    """Cancel the last of three jobs of which two have a thread."""
    loop = asyncio.get_running_loop()
    jobs = [loop.run_in_executor(own, job, 0.1) for _ in range(3)]
    await asyncio.sleep(0.05)
    jobs[2].cancel()
    await asyncio.wait(jobs)
    return [task.cancelled() for task in jobs]


@app.get("/block-the-loop")
async def block_the_loop() -> dict[str, int]:
    """Block the loop from before the end of a job until long after it."""
    ended: list[int] = []

    def job() -> None:
        time.sleep(0.1)
        ended.append(now())

    task = asyncio.get_running_loop().run_in_executor(own, job)
    asyncio.get_running_loop().call_later(0.05, time.sleep, 0.25)
    await task
    return {"ended": ended[0], "resumed": now()}


@app.get("/failing")
async def failing() -> str:
    def fail() -> None:
        raise LookupError("the job's own error")

    try:
        await asyncio.get_running_loop().run_in_executor(own, fail)
    except LookupError as error:
        return str(error)
    return ""


@app.get("/after-the-end")
async def after_the_end() -> str:
    executor = ThreadPoolExecutor(1)
    await asyncio.get_running_loop().run_in_executor(executor, time.sleep, 0)
    executor.shutdown()
    try:
        executor.submit(time.sleep, 0)
    except RuntimeError:
        return "refused"
    return ""


@app.get("/processes")
async def in_processes(until: str) -> dict[str, int]:
    if not processes:
        processes.append(ProcessPoolExecutor(2))
    asked = now()
    return {"asked": asked} | await asyncio.get_running_loop().run_in_executor(processes[0], job, 0.05, until)


@app.get("/anyio-processes")
async def in_processes_of_anyio(until: str) -> dict[str, int]:
    if not limiters:
        limiters.append(anyio.CapacityLimiter(2))
    asked = now()
    return {"asked": asked} | await anyio.to_process.run_sync(job, 0.05, until, limiter=limiters[0])


@app.get("/limited")
async def limited() -> dict[str, int]:
    if not limiters:
        limiters.append(anyio.CapacityLimiter(3))
    asked = now()
    return {"asked": asked} | await anyio.to_thread.run_sync(job, limiter=limiters[0])


@app.get("/once-limited")
async def once_limited() -> None:
    await anyio.to_thread.run_sync(time.sleep, 0, limiter=anyio.CapacityLimiter(1))


@app.get("/library")
async def in_a_library() -> None:
    """Give a job from no request: nobody asked for this pool to be shown."""
    done = threading.Event()

    def begin() -> None:
        future: Future[None] = library.submit(time.sleep, 0)
        future.add_done_callback(lambda _: done.set())

    thread = threading.Thread(target=begin)
    thread.start()
    await anyio.to_thread.run_sync(done.wait)
    thread.join()
