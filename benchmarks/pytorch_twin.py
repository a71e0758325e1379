#!/usr/bin/python3
"""The PyTorch side of the benchmark: the same training, written the way the official code of DINO and SimCLR is.

nn.Modules, torchvision augmentations on PIL images, a DataLoader with worker processes, per-parameter loops in the
optimiser, the gradient clipping and the teacher's moving average. Needs Debian's python3-torch and python3-torchvision.

    pytorch_twin.py step        --case dino-vit-96x4 --steps 20      the training step alone, views fixed in memory
    pytorch_twin.py end-to-end  --case dino-vit-96x4 --steps 20      decoding, augmentation and loader as well
    pytorch_twin.py losses FILE                                      from the weights and views in FILE (safetensors)
    pytorch_twin.py images FOLDER --steps 16 --workers 1             DINO's published crops of a folder's photos alone

Each prints one line of JSON.
"""
import argparse
import copy
import gzip
import json
import math
import pathlib
import random
import resource
import struct
import time

import numpy as np
import torch
import torchvision.transforms as T
from PIL import Image, ImageFilter, ImageOps
from torch import nn
from torch.nn import functional as F

CASES = {
    "dino-vit-192x6": dict(method="dino", dim=192, depth=6, heads=3),
    "dino-vit-96x4": dict(method="dino", dim=96, depth=4, heads=3),
    "simclr-resnet18-w16": dict(method="simclr", width=16),
}
# What the losses file may override; `seed` and the sizes are the same in every case.
DEFAULTS = dict(
    image_size=32, patch=4, local_size=16, local_crops=4, batch=64, out_dim=1024, drop_path=0.1,
    steps_per_epoch=156, epochs=100, warmup_epochs=10, clip=3.0, freeze_epochs=1, student_temp=0.1, teacher_temp=0.04,
    center_momentum=0.9, teacher_momentum=0.996, weight_decay=0.04, weight_decay_end=0.4, lr=0.0005 * 64 / 256, min_lr=1e-6,
    temperature=0.5, sgd_lr=0.06 * 64 / 256, sgd_momentum=0.9, sgd_weight_decay=1e-4, projection_dim=128,
)


# --- networks ---------------------------------------------------------------------------------------------------------

class DropPath(nn.Module):
    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def forward(self, x):
        if self.rate == 0.0 or not self.training:
            return x
        keep = 1 - self.rate
        return x / keep * torch.floor(keep + torch.rand((x.shape[0],) + (1,) * (x.ndim - 1), device=x.device))


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.scale = heads, (dim // heads) ** -0.5
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) * self.scale).softmax(dim=-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(b, n, d))


class Mlp(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.fc1, self.act, self.fc2 = nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, dim, heads, drop_path):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(dim, eps=1e-6), Attention(dim, heads)
        self.norm2, self.mlp = nn.LayerNorm(dim, eps=1e-6), Mlp(dim, 4 * dim)
        self.drop_path = DropPath(drop_path)

    def forward(self, x):
        x = x + self.drop_path(self.attn(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class PatchEmbed(nn.Module):
    def __init__(self, patch, dim):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    def __init__(self, image_size, patch, dim, depth, heads, drop_path):
        super().__init__()
        self.patch, self.width = patch, dim
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + (image_size // patch) ** 2, dim))
        self.patch_embed = PatchEmbed(patch, dim)
        self.blocks = nn.ModuleList(Block(dim, heads, float(r)) for r in torch.linspace(0, drop_path, depth))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        for parameter in (self.cls_token, self.pos_embed):
            nn.init.trunc_normal_(parameter, std=0.02)
        self.apply(init_linear)

    def positions(self, height, width):
        tokens = (height // self.patch) * (width // self.patch)
        table = self.pos_embed.shape[1] - 1
        if tokens == table and height == width:
            return self.pos_embed
        side = int(math.sqrt(table))
        grid = self.pos_embed[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
        scale = ((height // self.patch + 0.1) / side, (width // self.patch + 0.1) / side)
        grid = F.interpolate(grid, scale_factor=scale, mode="bicubic", recompute_scale_factor=False)
        return torch.cat((self.pos_embed[:, :1], grid.permute(0, 2, 3, 1).reshape(1, -1, self.width)), dim=1)

    def forward(self, x):
        positions = self.positions(*x.shape[-2:])
        x = self.patch_embed(x)
        x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), dim=1) + positions
        for block in self.blocks:
            x = block(x)
        return self.norm(x)[:, 0]


class DinoHead(nn.Module):
    def __init__(self, dim, out_dim, hidden=2048, bottleneck=256):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, bottleneck))
        self.apply(init_linear)
        self.last_layer = nn.utils.weight_norm(nn.Linear(bottleneck, out_dim, bias=False))
        self.last_layer.weight_g.data.fill_(1)
        self.last_layer.weight_g.requires_grad = False

    def forward(self, x):
        return self.last_layer(F.normalize(self.mlp(x), dim=-1, p=2))


def init_linear(module):
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


class MultiCrop(nn.Module):
    """One backbone pass per run of equally sized crops, one head pass over all."""

    def __init__(self, backbone, head):
        super().__init__()
        self.backbone, self.head = backbone, head

    def forward(self, crops):
        features, start = [], 0
        while start < len(crops):
            end = start + 1
            while end < len(crops) and crops[end].shape[-1] == crops[start].shape[-1]:
                end += 1
            features.append(self.backbone(torch.cat(crops[start:end])))
            start = end
        return self.head(torch.cat(features))


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    """Small-image stem: 3x3 convolution, stride 1, no max-pool."""

    def __init__(self, width):
        super().__init__()
        self.conv1, self.bn1, self.relu = nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        inputs = width
        for stage in range(4):
            outputs = width << stage
            blocks = [BasicBlock(inputs, outputs, 1 if stage == 0 else 2), BasicBlock(outputs, outputs, 1)]
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
            inputs = outputs
        self.width = inputs
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return x.mean((2, 3))


class ProjectionLayer(nn.Module):
    def __init__(self, inputs, outputs, last):
        super().__init__()
        self.linear, self.bn, self.last = nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), last
        nn.init.normal_(self.linear.weight, std=0.01)
        self.bn.bias.requires_grad = not last

    def forward(self, x):
        x = self.bn(self.linear(x))
        return x if self.last else F.relu(x)


class ProjectionHead(nn.Module):
    """SimCLR v1: two bias-free layers, batch norm after each, the last without shift."""

    def __init__(self, dim, out_dim):
        super().__init__()
        self.layers = nn.ModuleList([ProjectionLayer(dim, dim, False), ProjectionLayer(dim, out_dim, True)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


# --- losses and schedules ---------------------------------------------------------------------------------------------

class DinoLoss(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.o, self.crops = o, 2 + o["local_crops"]
        self.register_buffer("center", torch.zeros(1, o["out_dim"]))

    def forward(self, student, teacher):
        student = [F.log_softmax(s, dim=-1) for s in (student / self.o["student_temp"]).chunk(self.crops)]
        targets = F.softmax((teacher - self.center) / self.o["teacher_temp"], dim=-1).detach().chunk(2)
        total, terms = 0, 0
        for u, target in enumerate(targets):
            for v, prediction in enumerate(student):
                if v != u:
                    total = total + torch.sum(-target * prediction, dim=-1).mean()
                    terms += 1
        with torch.no_grad():
            m = self.o["center_momentum"]
            self.center = self.center * m + teacher.mean(dim=0, keepdim=True) * (1 - m)
        return total / terms


def nt_xent(z, temperature):
    z = F.normalize(z, dim=1)
    n = len(z) // 2
    logits = z @ z.t() / temperature
    logits.fill_diagonal_(-1e9)
    positives = (torch.arange(2 * n, device=z.device) + n) % (2 * n)
    return F.cross_entropy(logits, positives)


def cosine_schedule(base, final, o, warmup_epochs=0):
    """One value a step: a linear warm-up that includes its end, then a cosine that never quite reaches `final`."""
    warmup = int(warmup_epochs * o["steps_per_epoch"])
    steps = int(o["epochs"] * o["steps_per_epoch"]) - warmup
    cosine = final + 0.5 * (base - final) * (1 + np.cos(np.pi * np.arange(steps) / steps))
    return np.concatenate((np.linspace(0, base, warmup), cosine))


def linear_warmup_cosine(base, o):
    """SimCLR's: the first step has rate 0."""
    warmup, total = o["warmup_epochs"] * o["steps_per_epoch"], o["epochs"] * o["steps_per_epoch"]
    it = np.arange(total)
    return np.where(it < warmup, base * it / max(1, warmup), 0.5 * base * (1 + np.cos(np.pi * (it - warmup) / (total - warmup))))


# --- training ---------------------------------------------------------------------------------------------------------

def parameter_groups(module):
    decay, no_decay = [], []
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            (no_decay if name.endswith(".bias") or parameter.ndim == 1 else decay).append(parameter)
    return [{"params": decay}, {"params": no_decay, "weight_decay": 0.0}]


class Dino:
    def __init__(self, o, device):
        def network(drop_path):
            vit = VisionTransformer(o["image_size"], o["patch"], o["dim"], o["depth"], o["heads"], drop_path)
            return MultiCrop(vit, DinoHead(o["dim"], o["out_dim"])).to(device)
        self.o, self.student, self.teacher, self.loss = o, network(o["drop_path"]), network(0.0), DinoLoss(o).to(device)
        self.share()
        self.optimizer = torch.optim.AdamW(parameter_groups(self.student))
        self.lr = cosine_schedule(o["lr"], o["min_lr"], o, o["warmup_epochs"])
        self.weight_decay = cosine_schedule(o["weight_decay"], o["weight_decay_end"], o)
        self.momentum = cosine_schedule(o["teacher_momentum"], 1.0, o)

    def share(self):
        self.teacher.load_state_dict(self.student.state_dict())
        for parameter in self.teacher.parameters():
            parameter.requires_grad = False

    def load(self, weights):
        self.student.load_state_dict(weights)
        self.share()

    def loss_of(self, crops):
        with torch.no_grad():
            teacher = self.teacher(crops[:2])
        return self.loss(self.student(crops), teacher)

    def step(self, crops, it):
        for i, group in enumerate(self.optimizer.param_groups):
            group["lr"] = self.lr[it]
            if i == 0:
                group["weight_decay"] = self.weight_decay[it]
        loss = self.loss_of(crops)
        value = loss.item()
        if not math.isfinite(value):
            raise SystemExit(f"the loss is {value}")
        self.optimizer.zero_grad()
        loss.backward()
        for parameter in self.student.parameters():
            if parameter.grad is not None:
                scale = self.o["clip"] / (parameter.grad.norm(2) + 1e-6)
                if scale < 1:
                    parameter.grad.mul_(scale)
        if it // self.o["steps_per_epoch"] < self.o["freeze_epochs"]:
            for name, parameter in self.student.named_parameters():
                if "last_layer" in name:
                    parameter.grad = None
        self.optimizer.step()
        with torch.no_grad():
            m = self.momentum[it]
            for student, teacher in zip(self.student.parameters(), self.teacher.parameters()):
                teacher.data.mul_(m).add_((1 - m) * student.detach().data)
        return value


class SimClr:
    def __init__(self, o, device):
        backbone = ResNet18(o["width"])
        self.o, self.network = o, MultiCrop(backbone, ProjectionHead(backbone.width, o["projection_dim"])).to(device)
        self.optimizer = torch.optim.SGD(
            parameter_groups(self.network), lr=o["sgd_lr"], momentum=o["sgd_momentum"], weight_decay=o["sgd_weight_decay"])
        self.lr = linear_warmup_cosine(o["sgd_lr"], o)

    def load(self, weights):
        # Parameters only: batch-norm statistics start as they are made, and the last shift, which is frozen at 0, has no counterpart.
        missing = self.network.load_state_dict(weights, strict=False)
        assert not missing.unexpected_keys, missing

    def step(self, crops, it):
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr[it]
        loss = nt_xent(self.network(crops), self.o["temperature"])
        value = loss.item()
        if not math.isfinite(value):
            raise SystemExit(f"the loss is {value}")
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return value


# --- views and loader -------------------------------------------------------------------------------------------------

class Blur:
    def __init__(self, p):
        self.p = p

    def __call__(self, image):
        return image.filter(ImageFilter.GaussianBlur(random.uniform(0.1, 2.0))) if random.random() < self.p else image


class Solarize:
    def __init__(self, p):
        self.p = p

    def __call__(self, image):
        return ImageOps.solarize(image) if random.random() < self.p else image


class Views:
    """An image to its list of augmented crops."""

    def __init__(self, o):
        to_tensor = [T.ToTensor()]
        if o["method"] == "dino":
            to_tensor.append(T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
        bicubic = T.InterpolationMode.BICUBIC

        def recipe(size, scale, strengths, *then):
            color = [T.RandomApply([T.ColorJitter(*strengths)], p=0.8), T.RandomGrayscale(p=0.2)]
            return T.Compose([T.RandomResizedCrop(size, scale=scale, interpolation=bicubic), T.RandomHorizontalFlip(), *color, *then, *to_tensor])

        if o["method"] == "simclr":
            self.recipes = [recipe(o["image_size"], (0.08, 1.0), (0.4, 0.4, 0.4, 0.1))] * 2
        else:
            jitter = (0.4, 0.4, 0.2, 0.1)
            self.recipes = [
                recipe(o["image_size"], (0.4, 1.0), jitter, Blur(1.0)),
                recipe(o["image_size"], (0.4, 1.0), jitter, Blur(0.1), Solarize(0.2)),
                *[recipe(o["local_size"], (0.05, 0.4), jitter, Blur(0.5))] * o["local_crops"]]

    def __call__(self, image):
        return [recipe(image) for recipe in self.recipes]


class Cifar10(torch.utils.data.Dataset):
    """The binary format of CIFAR-10 (a label byte, then 3x32x32), or noise where there is no data."""

    def __init__(self, path, views):
        self.views = views
        if path is None:
            pixels = np.random.default_rng(0).integers(0, 256, (10000, 3, 32, 32), dtype=np.uint8)
        else:
            with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
                pixels = np.frombuffer(file.read(), dtype=np.uint8).reshape(-1, 3073)[:, 1:].reshape(-1, 3, 32, 32)
        self.images = np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.views(Image.fromarray(self.images[index]))


class Photos(torch.utils.data.Dataset):
    """So many photos of a folder as torchvision's ImageFolder reads them, some more than once where there are fewer."""

    def __init__(self, folder, count, views):
        files = sorted(pathlib.Path(folder).rglob("*.jpg"))
        self.files = [files[i % len(files)] for i in range(count)]
        self.views = views

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        with open(self.files[index], "rb") as file:
            return self.views(Image.open(file).convert("RGB"))


def batches(loader):
    while True:
        yield from loader


# --- measurement ------------------------------------------------------------------------------------------------------

def on(device, crops):
    return [crop.to(device, non_blocking=True) for crop in crops]


def options(case, overrides=None):
    return {**DEFAULTS, **CASES[case], **(overrides or {})}


def trainer(o, device="cpu"):
    torch.manual_seed(0)
    return Dino(o, device) if o["method"] == "dino" else SimClr(o, device)


def measure(args):
    o = options(args.case)
    training = trainer(o, args.device)
    if args.mode == "step":
        count = 2 + (o["local_crops"] if o["method"] == "dino" else 0)
        fixed = on(args.device, (torch.randn(o["batch"], 3, s, s) for s in [o["image_size"]] * 2 + [o["local_size"]] * (count - 2)))
        source = iter(lambda: fixed, None)
    else:
        dataset = Cifar10(args.data, Views(o))
        loader = torch.utils.data.DataLoader(
            dataset, batch_size=o["batch"], shuffle=True, drop_last=True, num_workers=args.workers, persistent_workers=args.workers > 0)
        source = batches(loader)
    for it in range(args.warmup):
        training.step(on(args.device, next(source)), it)
    start, cpu = time.perf_counter(), time.process_time()
    for it in range(args.steps):
        training.step(on(args.device, next(source)), args.warmup + it)
    seconds = time.perf_counter() - start
    cpu = time.process_time() - cpu
    # This process alone: the loader's workers come on top in end-to-end runs.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    images = o["batch"] * args.steps
    return dict(images_per_second=images / seconds, cpu_ms_per_image=1000 * cpu / images, peak_mib=peak)


def images(args):
    o = options("dino-vit-192x6", dict(image_size=224, local_size=96, local_crops=8, batch=32))
    loader = torch.utils.data.DataLoader(
        Photos(args.file, o["batch"] * args.steps, Views(o)), batch_size=o["batch"], num_workers=args.workers, persistent_workers=True)
    # The first epoch starts the workers.
    for _ in range(2):
        start = time.perf_counter()
        for _ in loader:
            pass
    return dict(images_per_second=o["batch"] * args.steps / (time.perf_counter() - start))


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    metadata = header.pop("__metadata__")

    def tensor(entry):
        begin, end = entry["data_offsets"]
        return torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4, offset=begin).reshape(entry["shape"]).clone()
    return metadata, {name: tensor(entry) for name, entry in header.items()}


def losses(args):
    metadata, tensors = read_safetensors(args.file)
    # The other side says which hyper-parameters it used, so that both follow one schedule.
    o = options(metadata["case"], json.loads(metadata["options"]))
    training = trainer(o, args.device)
    training.load({k[len("student."):]: v for k, v in tensors.items() if k.startswith("student.")})
    steps = 1 + max(int(k.split(".")[1]) for k in tensors if k.startswith("view."))
    crops = 1 + max(int(k.split(".")[2]) for k in tensors if k.startswith("view."))
    values = [training.step(on(args.device, (tensors[f"view.{it}.{v}"] for v in range(crops))), it) for it in range(steps)]
    return dict(mode="losses", case=metadata["case"], losses=values)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=("step", "end-to-end", "losses", "images"))
    parser.add_argument("file", nargs="?", help="losses: the exported weights and views; images: the folder")
    parser.add_argument("--case", choices=CASES, default="dino-vit-96x4")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--data", help="a CIFAR-10 binary file, plain or .gz; noise images without it")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(json.dumps({"losses": losses, "images": images}.get(args.mode, measure)(args)))


if __name__ == "__main__":
    main()
