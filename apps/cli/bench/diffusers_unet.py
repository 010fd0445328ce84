"""A UNet2DModel of diffusers, timed in PyTorch: the peer of src/bench/engine-contender-process.ts.

Called with one JSON argument: `config` (of the model), `batchSize`, `task` (train, sample or heun), `threads`, `format` (default or
channels_last). Prints a line when ready, then one line for every line that it reads, and ends with its input.
"""

import json
import os
import sys
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import diffusers
import torch
from diffusers import DDPMScheduler, HeunDiscreteScheduler, UNet2DModel
from torch.nn import functional as F

EMA_DECAY = 0.999
WARM_UP_RUNS = 1
HEUN_STEPS = 18
HEUN_IMAGES = 16
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


def generating(network, size, layout):
    scheduler = HeunDiscreteScheduler(beta_schedule="linear", beta_start=1e-4, beta_end=0.02, use_karras_sigmas=True)

    def step():
        scheduler.set_timesteps(HEUN_STEPS)
        assert len(scheduler.timesteps) == 2 * HEUN_STEPS - 1
        with torch.inference_mode():
            x = torch.randn(HEUN_IMAGES, 1, size, size) * scheduler.init_noise_sigma
            for t in scheduler.timesteps:
                scaled = scheduler.scale_model_input(x, t).to(memory_format=layout)
                x = scheduler.step(network(scaled, t).sample, t, x).prev_sample

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
    step = {
        "train": lambda: training(network, images, layout),
        "sample": lambda: sampling(network.eval(), images),
        "heun": lambda: generating(network.eval(), size, layout),
    }[options["task"]]()
    for _ in range(WARM_UP_RUNS):
        step()
    version = f"diffusers {diffusers.__version__}, torch {torch.__version__}"
    print(json.dumps({"version": version, "parameters": network.num_parameters()}), flush=True)
    for _ in sys.stdin:
        print(json.dumps({"ms": milliseconds(step), "peakRssMiB": peak_rss_mib()}), flush=True)


main()
