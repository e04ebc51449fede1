"""`python -m looplab.locust`: Locust's master with its workers, for a lab.

It reads a job from standard input as `python -m looplab.traffic` does, writes the locustfile, and becomes
Locust.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import sys
from pathlib import Path

from looplab.locust import limits
from looplab.locust.script import script, words
from looplab.traffic.address import authority, resolve
from looplab.traffic.errors import JobError
from looplab.traffic.limits import check_users, raise_file_limit
from looplab.traffic.plan import Job, Locust
from looplab.wire.clock import boot

MISSING = "Locust is not installed: pip install 'looplab[locust]'"

EXIT_BAD_JOB = 2

RAMP_WARNING = "spawn rate is very high"
"""All users at once is what the plan asks for."""


def say(text: str) -> None:
    """Write one line for the log panel; a reader that is gone does not matter."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"traffic: {text}\n")
        sys.stderr.flush()


def main() -> int:
    """Read the job, and run Locust with it until its end."""
    # No setting of a person's own may change the traffic.
    for name in [name for name in os.environ if name.startswith("LOCUST_")]:
        del os.environ[name]
    os.environ["HOME"] = str(Path.cwd())
    try:
        # The first of all imports: it patches what others would hold already.
        import locust.main
    except ImportError:
        say(MISSING)
        return EXIT_BAD_JOB
    from looplab.locust.master import Master
    from looplab.traffic import job as jobs

    try:
        job, reader = jobs.read(sys.stdin.fileno())
        jobs.check(job)
        if reason := limits.obstacle(job.plan, job.generators, len(job.targets)):
            raise JobError(reason)
        for target in job.targets:
            resolve(target.host, [*job.allow_remote, *job.plan.allow_remote])
        check_users(-(-job.plan.rows // job.generators), raise_file_limit())
    except JobError as error:
        say(str(error))
        return EXIT_BAD_JOB
    engine = job.locust or Locust()
    port = engine.master_port or free_port(engine.master_bind)
    notes = limits.notes(job.plan, job.generators)
    file = Path.cwd() / f"locustfile-{job.run}-{job.first_id}.py"
    file.write_text(script(job.plan, told=told(job)), encoding="utf-8")
    if engine.elsewhere:
        say(f"on the other machine: {worker_command(job, port)}")
    _quieten()
    Master(job, reader, notes, say).listen()
    sys.argv = ["locust", *arguments(job, file, port)]
    locust.main.main()
    return 0


def told(job: Job) -> dict[str, object]:
    """Give what the workers must know of a job."""
    plan = job.plan
    return {
        "run": job.run,
        "boot": boot(),
        "first_id": job.first_id,
        "generators": job.generators,
        "executor": plan.executor,
        "requests": plan.requests if plan.executor == "burst" else 0,
        "warmup": plan.warmup,
        "names": [spec.name for spec in plan.mix],
    }


def arguments(job: Job, file: Path, port: int) -> list[str]:
    """Give Locust's command line."""
    engine = job.locust or Locust()
    (target,) = job.targets
    found = ["-f", str(file), "--host", f"http://{authority(target.host, target.port)}", *words(job.plan)]
    found += ["--master-bind-host", engine.master_bind, "--master-bind-port", str(port)]
    here = job.generators - engine.elsewhere
    if here:
        reached = "127.0.0.1" if engine.master_bind in ("*", "0.0.0.0") else engine.master_bind
        found += ["--processes", str(here), "--master-host", reached, "--master-port", str(port)]
    else:
        found.append("--master")
    return [*found, "--only-summary", "--skip-log-setup"]


def worker_command(job: Job, port: int) -> str:
    """Write what to type for a worker on another machine.

    The server listens on this machine only, and so does the master unless it was bound elsewhere.
    """
    engine = job.locust or Locust()
    (target,) = job.targets
    forwarded = [f"-R {target.port}:{authority(target.host, target.port)}"]
    master = engine.master_bind
    if master == Locust().master_bind:
        forwarded.append(f"-R {port}:{master}:{port}")
    elif master in ("*", "0.0.0.0"):
        master = socket.gethostname()
    worker = f"locust -f - --worker --master-host {master} --master-port {port}"
    return f"ssh {' '.join(forwarded)} HOST {worker}"


def free_port(host: str) -> int:
    """Find a port that nobody listens at; Locust takes it a moment later, and says so if it is gone."""
    with socket.socket() as probe:
        probe.bind(("" if host == "*" else host, 0))
        return int(probe.getsockname()[1])


def _quieten() -> None:
    """Let Locust's warnings through as lines of the log, and nothing else."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("traffic: Locust: %(message)s"))
    handler.addFilter(lambda record: RAMP_WARNING not in record.getMessage())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
