"""What diffusers makes of a model folder, as JSON on stdout.

forward DIR       output of UNet2DModel for x[i] = sin(0.37 i + 0.5), two images, the given times and class rows (stdin JSON)
sample DIR        image of the folder's scheduler from the given noise: at the start, and of each step (stdin JSON)
create DIR        saves a UNet2DModel with random weights and the given arguments (stdin JSON)
"""
import json
import sys

import numpy
import torch
import diffusers

command, folder = sys.argv[1:3]
request = json.load(sys.stdin)
torch.manual_seed(3)


def network():
    return diffusers.UNet2DModel.from_pretrained(folder, subfolder="unet").eval()


@torch.inference_mode()
def forward():
    unet = network()
    shape = (2, unet.config.in_channels, unet.config.sample_size, unet.config.sample_size)
    x = torch.sin(0.37 * torch.arange(numpy.prod(shape), dtype=torch.float64) + 0.5).float().reshape(shape)
    labels = torch.tensor(request["classRows"]) if unet.config.num_class_embeds else None
    return unet(x, torch.tensor(request["times"]), class_labels=labels).sample.flatten().tolist()


@torch.inference_mode()
def sample():
    unet, index = network(), json.load(open(f"{folder}/model_index.json"))
    scheduler = getattr(diffusers, index["scheduler"][1]).from_pretrained(folder, subfolder="scheduler")
    getattr(diffusers, index["_class_name"]).from_pretrained(folder)
    scheduler.set_timesteps(request["steps"])
    size = unet.config.sample_size
    x = torch.tensor(request["noise"]).reshape(1, unet.config.in_channels, size, size)
    x = x * (request.get("startStddev") or scheduler.init_noise_sigma)
    labels = torch.tensor([request["classRow"]])
    # Noise is estimated again from the clipped image, as Tributary's sampler does.
    options = {"use_clipped_model_output": True} if "DDIM" in index["scheduler"][1] else {}
    if "stepNoise" in request:
        noises = iter(request["stepNoise"])
        diffusers.schedulers.scheduling_ddpm.randn_tensor = lambda shape, **_: torch.tensor(next(noises)).reshape(shape)
    for t in scheduler.timesteps:
        output = unet(scheduler.scale_model_input(x, t), t, class_labels=labels).sample
        x = scheduler.step(output, t, x, **options).prev_sample
    return x.flatten().tolist()


def create():
    unet = diffusers.UNet2DModel(**request)
    unet.save_pretrained(f"{folder}/unet")
    return []


json.dump({"forward": forward, "sample": sample, "create": create}[command](), sys.stdout)
