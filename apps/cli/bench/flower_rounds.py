"""Rounds without training in Flower: a SuperLink and one SuperNode a site on this machine; every client adds 1 to each number.

usage: python flower_rounds.py '{"megabytes": 10, "sites": 4, "rounds": 4}'
Prints {"name", "version", "roundSeconds": [...], "serverPeakRssMiB"}: the SuperLink with its ServerApp process.
The file is the Flower app, too: `client` and `server` are what its generated pyproject.toml names.
"""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

import flwr
import numpy as np
from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg

TENSORS = 20
LIMIT_S = 600
PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "rounds"
version = "1.0.0"
description = "Rounds without training"
license = {{ file = "LICENSE" }}
dependencies = ["flwr>={version},<2.0", "numpy"]
[tool.hatch.build.targets.wheel]
packages = ["."]
[tool.flwr.app]
publisher = "bench"
fab-format-version = 1
flwr-version-target = "{version}"
[tool.flwr.app.components]
serverapp = "rounds.app:server"
clientapp = "rounds.app:client"
[tool.flwr.app.config]
megabytes = 1.0
sites = 1
rounds = 1
out = ""
"""

client = ClientApp()
server = ServerApp()


@client.train()
def train(message, context):
    arrays = [array + np.float32(1) for array in message.content["arrays"].to_numpy_ndarrays()]
    content = RecordDict({"arrays": ArrayRecord(arrays), "metrics": MetricRecord({"num-examples": 1})})
    return Message(content=content, reply_to=message)


class TimedFedAvg(FedAvg):
    def __init__(self, out, **options):
        super().__init__(**options)
        self.out = out

    def configure_train(self, *args):
        self.begin = time.perf_counter()
        return super().configure_train(*args)

    def aggregate_train(self, round_number, replies):
        result = super().aggregate_train(round_number, replies)
        with open(self.out, "a") as file:
            file.write(f"{time.perf_counter() - self.begin}\n")
        return result


@server.main()
def main(grid, context):
    config = context.run_config
    count = int(config["megabytes"] * 1e6 / 4 / TENSORS)
    random = np.random.default_rng(0)
    arrays = [random.standard_normal(count, dtype=np.float32) for _ in range(TENSORS)]
    sites = int(config["sites"])
    strategy = TimedFedAvg(config["out"], fraction_evaluate=0.0, min_train_nodes=sites, min_available_nodes=sites)
    strategy.start(grid=grid, initial_arrays=ArrayRecord(arrays), num_rounds=int(config["rounds"]), timeout=LIMIT_S)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port):
    for _ in range(1200):
        try:
            socket.create_connection(("127.0.0.1", port), 0.3).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the SuperLink does not listen")


def bench(folder, options):
    from process_tree import PeakMemory

    bin_folder = pathlib.Path(sys.executable).parent
    app = folder / "app"
    (app / "rounds").mkdir(parents=True)
    (app / "rounds" / "__init__.py").touch()
    (app / "rounds" / "app.py").write_text(pathlib.Path(__file__).read_text())
    (app / "pyproject.toml").write_text(PYPROJECT.format(version=flwr.__version__))
    (app / "LICENSE").write_text("Apache-2.0\n")
    home = folder / "home"
    home.mkdir()
    port = free_port()
    (home / "config.toml").write_text(
        f'[superlink]\ndefault = "bench"\n\n[superlink.bench]\naddress = "127.0.0.1:{port}"\ninsecure = true\n'
    )
    path = f"{bin_folder}:{os.environ['PATH']}"
    env = dict(os.environ, PATH=path, FLWR_HOME=str(home), FLWR_TELEMETRY_ENABLED="0", FLWR_DISABLE_UPDATE_CHECK="1")
    started = []

    def start(name, *args):
        log = open(folder / f"{name}.log", "wb")
        command = [str(bin_folder / args[0]), *map(str, args[1:])]
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=folder, start_new_session=True)
        started.append(process)
        return process

    try:
        link = start(
            "superlink", "flower-superlink", "--insecure", "--disable-runtime-dependency-installation",
            "--host", "127.0.0.1", "--port", port,
        )
        wait_for(port)
        memory = PeakMemory(lambda: [link.pid])
        memory.start()
        for index in range(options["sites"]):
            start(
                f"node{index}", "flower-supernode", "--insecure", "--superlink", f"127.0.0.1:{port}",
                "--port", free_port(), "--node-config", f"partition-id={index}",
            )
        out = folder / "seconds.txt"
        config = f'megabytes={float(options["megabytes"])} sites={options["sites"]} rounds={options["rounds"]} out="{out}"'
        subprocess.run(
            [str(bin_folder / "flwr"), "run", str(app), "bench", "--run-config", config],
            env=env, cwd=folder, check=True, stdout=sys.stderr, timeout=LIMIT_S,
        )
        end = time.time() + LIMIT_S
        seconds = []
        while len(seconds) < options["rounds"] and time.time() < end:
            time.sleep(0.2)
            seconds = [float(line) for line in out.read_text().split()] if out.exists() else []
        return {"name": "Flower", "version": flwr.__version__, "roundSeconds": seconds, "serverPeakRssMiB": memory.mib}
    finally:
        for process in started:
            try:
                os.killpg(process.pid, 9)
            except ProcessLookupError:
                pass


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    # Ended from outside, it still ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        print(json.dumps(bench(pathlib.Path(directory), json.loads(sys.argv[1]))))
