"""The benchmark's network in PyTorch, the twin of src/bench/bench-network.ts.

Called with one JSON argument (a BenchSize with `threads` and `format`). Prints a line when ready, then one line of
milliseconds for every line that it reads.
"""

import json
import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

HEAD_CHANNELS = 8
EPSILON = 1e-5


class Residual(nn.Module):
    def __init__(self, groups, embedding, before, after):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, before, EPSILON)
        self.conv1 = nn.Conv2d(before, after, 3, padding=1)
        self.time = nn.Linear(embedding, after)
        self.norm2 = nn.GroupNorm(groups, after, EPSILON)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1)
        self.shortcut = nn.Conv2d(before, after, 1) if before != after else nn.Identity()

    def forward(self, x, embedding):
        h = self.conv1(F.silu(self.norm1(x))) + self.time(F.silu(embedding))[:, :, None, None]
        return self.shortcut(x) + self.conv2(F.silu(self.norm2(h)))


class Attention(nn.Module):
    def __init__(self, groups, channels):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels, EPSILON)
        self.q, self.k, self.v, self.out = (nn.Linear(channels, channels) for _ in range(4))

    def forward(self, x):
        batch, channels, height, width = x.shape
        tokens = self.norm(x).reshape(batch, channels, -1).transpose(1, 2)
        q, k, v = (
            part(tokens).reshape(batch, -1, channels // HEAD_CHANNELS, HEAD_CHANNELS).transpose(1, 2)
            for part in (self.q, self.k, self.v)
        )
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, -1, channels)
        return x + self.out(mixed).transpose(1, 2).reshape(x.shape)


class UNet(nn.Module):
    def __init__(self, channels, attention, blocksPerLevel, groups):
        super().__init__()
        first, deepest = channels[0], channels[-1]
        wide = 4 * first
        attend = lambda level, size: Attention(groups, size) if attention[level] else None
        self.embed = nn.Sequential(nn.Linear(first, wide), nn.SiLU(), nn.Linear(wide, wide))
        self.conv_in = nn.Conv2d(1, first, 3, padding=1)
        skips, size = [first], first
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for level, after in enumerate(channels):
            blocks = nn.ModuleList()
            for _ in range(blocksPerLevel):
                blocks.append(nn.ModuleList([Residual(groups, wide, size, after), attend(level, after) or nn.Identity()]))
                size = after
                skips.append(size)
            last = level == len(channels) - 1
            self.down.append(nn.ModuleList([blocks, nn.Identity() if last else nn.Conv2d(size, size, 3, 2, 1)]))
            if not last:
                skips.append(size)
        self.middle = nn.ModuleList(
            [Residual(groups, wide, deepest, deepest), Attention(groups, deepest), Residual(groups, wide, deepest, deepest)]
        )
        for stage, after in enumerate(reversed(channels)):
            blocks = nn.ModuleList()
            for _ in range(blocksPerLevel + 1):
                level = len(channels) - 1 - stage
                block = Residual(groups, wide, size + skips.pop(), after)
                blocks.append(nn.ModuleList([block, attend(level, after) or nn.Identity()]))
                size = after
            last = stage == len(channels) - 1
            self.up.append(nn.ModuleList([blocks, nn.Identity() if last else nn.Conv2d(size, size, 3, padding=1)]))
        self.norm_out = nn.GroupNorm(groups, first, EPSILON)
        self.conv_out = nn.Conv2d(first, 1, 3, padding=1)

    def forward(self, x, time_embedding):
        embedding = self.embed(time_embedding)
        x = self.conv_in(x)
        skips = [x]
        for level, (blocks, downsample) in enumerate(self.down):
            for residual, attend in blocks:
                x = attend(residual(x, embedding))
                skips.append(x)
            if level < len(self.down) - 1:
                x = downsample(x)
                skips.append(x)
        x = self.middle[2](self.middle[1](self.middle[0](x, embedding)), embedding)
        for stage, (blocks, convolve) in enumerate(self.up):
            for residual, attend in blocks:
                x = attend(residual(torch.cat([x, skips.pop()], 1), embedding))
            if stage < len(self.up) - 1:
                x = convolve(F.interpolate(x, scale_factor=2.0))
        return self.conv_out(F.silu(self.norm_out(x)))


def main():
    size = json.loads(sys.argv[1])
    torch.set_num_threads(size["threads"])
    torch.manual_seed(1)
    network = UNet(**size["network"])
    layout = torch.channels_last if size["format"] == "channels_last" else torch.contiguous_format
    network = network.to(memory_format=layout)
    shape = (size["batch"], 1, size["imageSize"], size["imageSize"])
    images, target = (torch.randn(shape).to(memory_format=layout) for _ in range(2))
    times = torch.randn(size["batch"], size["network"]["channels"][0])
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=0)
    average = [p.detach().clone() for p in network.parameters()]

    def train():
        loss = F.mse_loss(network(images, times), target)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        torch._foreach_lerp_(average, [p.detach() for p in network.parameters()], 1e-3)

    def sample():
        with torch.inference_mode():
            network(images, times)

    def milliseconds(run):
        start = time.perf_counter()
        run()
        return 1e3 * (time.perf_counter() - start)

    for _ in range(2):
        train()
        sample()
    parameters = sum(math.prod(p.shape) for p in network.parameters())
    print(json.dumps({"version": torch.__version__, "parameters": parameters}), flush=True)
    for _ in sys.stdin:
        print(json.dumps({"trainMs": milliseconds(train), "sampleMs": milliseconds(sample)}), flush=True)


main()
