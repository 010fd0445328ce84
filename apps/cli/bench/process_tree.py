"""Largest resident memory of a process and its descendants together, sampled from /proc."""
import pathlib
import threading
import time

EVERY_S = 0.2


def resident_mib(pid):
    """Sum over the tree of what is resident now; 0 when it is gone."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    own = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0)
    return own / 1024 + sum(resident_mib(child) for child in children)


class PeakMemory(threading.Thread):
    def __init__(self, pids):
        """pids: a function that gives the process ids to look at."""
        super().__init__(daemon=True)
        self.pids = pids
        self.mib = 0.0

    def run(self):
        while True:
            self.mib = max(self.mib, sum(resident_mib(pid) for pid in self.pids()))
            time.sleep(EVERY_S)
