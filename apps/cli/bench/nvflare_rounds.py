"""Rounds without training in NVFLARE's simulator (a thread a site, no network); every client adds 1 to each number.

usage: python nvflare_rounds.py '{"megabytes": 10, "sites": 4, "rounds": 4}'
Prints {"name", "version", "roundSeconds": [...]}. Server and sites share the simulator's process, so no memory is told.
"""
import datetime
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

LIMIT_S = 1800

CLIENT = """
import numpy as np
import nvflare.client as flare

flare.init()
while flare.is_running():
    model = flare.receive()
    values = {name: value + np.float32(1) for name, value in model.params.items()}
    meta = {"NUM_STEPS_CURRENT_ROUND": 1}
    flare.send(flare.FLModel(params=values, params_type=flare.ParamsType.FULL, metrics={"accuracy": 0.5}, meta=meta))
"""


def simulate(folder, options):
    import numpy as np
    from nvflare.app_common.np.recipes.fedavg import NumpyFedAvgRecipe
    from nvflare.recipe import SimEnv

    start = folder / "start.npy"
    count = int(options["megabytes"] * 1e6 / 4)
    np.save(start, np.random.default_rng(0).standard_normal(count, dtype=np.float32))
    (folder / "client.py").write_text(CLIENT)
    os.chdir(folder)
    recipe = NumpyFedAvgRecipe(
        name="rounds",
        initial_ckpt=str(start),
        min_clients=options["sites"],
        num_rounds=options["rounds"],
        train_script="client.py",
    )
    sites = options["sites"]
    recipe.execute(SimEnv(num_clients=sites, num_threads=sites, workspace_root=str(folder / "workspace")))


def round_seconds(folder):
    """Between the log's lines that a round has started, and the end."""
    times, last = [], None
    for log in folder.glob("workspace/**/log.txt"):
        if "server" not in log.parts:
            continue
        for line in log.read_text(errors="replace").splitlines():
            stamp = re.match(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[,.]\d+)", line)
            if stamp:
                last = datetime.datetime.strptime(stamp[1].replace(".", ","), "%Y-%m-%d %H:%M:%S,%f").timestamp()
            if last and re.search(r"Round \d+ started|Finish(ed|ing) FedAvg", line):
                times.append(last)
    return [end - begin for begin, end in zip(times, times[1:])]


def run_to_end(process):
    """The simulator has stood still for ever in a run of ours. Nothing of it is left running."""
    import psutil

    try:
        if process.wait(timeout=LIMIT_S) != 0:
            raise SystemExit("the simulator failed")
    except subprocess.TimeoutExpired:
        raise SystemExit(f"the simulator did not end in {LIMIT_S} s") from None
    finally:
        if process.poll() is None:
            for each in [*psutil.Process(process.pid).children(recursive=True), process]:
                each.kill()


def bench(folder, options):
    import nvflare

    env = dict(os.environ, HOME=str(folder), TMPDIR=str(folder))
    with open(folder / "simulator.log", "wb") as log:
        command = [sys.executable, __file__, json.dumps(options), str(folder)]
        run_to_end(subprocess.Popen(command, env=env, stdout=log, stderr=log))
    seconds = round_seconds(folder)[: options["rounds"]]
    return {"name": "NVFLARE simulator", "version": nvflare.__version__, "roundSeconds": seconds}


if __name__ == "__main__":
    if len(sys.argv) > 2:
        simulate(pathlib.Path(sys.argv[2]), json.loads(sys.argv[1]))
        os._exit(0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        print(json.dumps(bench(pathlib.Path(directory), json.loads(sys.argv[1]))))
