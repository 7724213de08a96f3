"""What tests ask the kernel about processes."""

import re
from pathlib import Path


def private_memory(pid: int) -> int:
    """Bytes of memory that a process holds for itself."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"^RssAnon:\s*(\d+) kB", status, re.MULTILINE)[0]) * 1024
