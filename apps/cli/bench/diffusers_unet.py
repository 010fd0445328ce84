"""A UNet2DModel of diffusers, timed in PyTorch: the peer of src/bench/engine-contender-process.ts.

Called with one JSON argument: `config` (of the model), `batchSize`, `task` (train or sample), `threads`, `format` (default or
channels_last). Prints a line when ready, then one line for every line that it reads, and ends with its input.
"""

import json
import os
import sys
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import diffusers
import torch
from diffusers import DDPMScheduler, UNet2DModel
from torch.nn import functional as F

EMA_DECAY = 0.999
WARM_UP_RUNS = 2
BURST_SECONDS = 0.8


def training(network, images, layout):
    optimiser = torch.optim.AdamW(network.parameters(), 1e-4, weight_decay=0)
    average = [p.detach().clone() for p in network.parameters()]
    scheduler = DDPMScheduler(num_train_timesteps=1000)

    def step():
        noise = torch.randn_like(images)
        times = torch.randint(0, 1000, (len(images),))
        noisy = scheduler.add_noise(images, noise, times).to(memory_format=layout)
        loss = F.mse_loss(network(noisy, times).sample, noise)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        torch._foreach_lerp_(average, [p.detach() for p in network.parameters()], 1 - EMA_DECAY)

    return step


def sampling(network, images):
    times = torch.arange(len(images)) * 10

    def step():
        with torch.inference_mode():
            network(images, times)

    return step


def milliseconds(step):
    start, runs = time.perf_counter(), 0
    while runs == 0 or time.perf_counter() - start < BURST_SECONDS:
        step()
        runs += 1
    return 1e3 * (time.perf_counter() - start) / runs


def peak_rss_mib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


def main():
    options = json.loads(sys.argv[1])
    torch.set_num_threads(options["threads"])
    torch.manual_seed(1)
    layout = torch.channels_last if options["format"] == "channels_last" else torch.contiguous_format
    network = UNet2DModel.from_config(options["config"]).to(memory_format=layout)
    size = options["config"]["sample_size"]
    images = torch.randn(options["batchSize"], 1, size, size).to(memory_format=layout)
    step = training(network, images, layout) if options["task"] == "train" else sampling(network.eval(), images)
    for _ in range(WARM_UP_RUNS):
        step()
    version = f"diffusers {diffusers.__version__}, torch {torch.__version__}"
    print(json.dumps({"version": version, "parameters": network.num_parameters()}), flush=True)
    for _ in sys.stdin:
        print(json.dumps({"ms": milliseconds(step), "peakRssMiB": peak_rss_mib()}), flush=True)


main()
