"""A thousand users need a thousand open files at the server, whatever the shell allows by itself."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from pathlib import Path

from looplab.servers.guard import FILES
from looplab.servers.guarded import Guarded

LIMITED = """
import resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (200, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
print(subprocess.run([sys.executable, "-c", sys.argv[1]], capture_output=True, text=True, check=True).stdout)
"""

GUARDED = """
import asyncio, os, sys
from pathlib import Path
from looplab.servers.guarded import Guarded

async def main():
    guarded = Guarded(print)
    code = "import resource; print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    await guarded.spawn([sys.executable, "-c", code], os.environ, Path.cwd())
    await guarded.wait()

asyncio.run(main())
"""


async def test_a_command_may_open_as_many_files_as_the_system_allows(tmp_path: Path) -> None:
    lines: list[str] = []
    guarded = Guarded(lines.append)
    await guarded.spawn([sys.executable, "-c", LIMITED, GUARDED], os.environ, tmp_path)
    async with asyncio.timeout(30):
        assert await guarded.wait() == 0, lines

    soft, hard = (int(number) for number in lines[0].split())
    assert hard == resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert soft > 200
    assert soft == min(FILES, hard) or sys.platform == "darwin"
