#!/usr/bin/env python3
"""The PyTorch side of the benchmark on a GPU: DINO ViT-S/16 and MoCo v2 ResNet-50 on photos, written the way the official code is.

    pytorch_gpu_twin.py step        --case dino-vit-s16 --batch 64            in single precision
    pytorch_gpu_twin.py step        --case dino-vit-s16 --batch 64 --amp      with bf16 autocast, and SDPA in the ViT
    pytorch_gpu_twin.py end-to-end  --case dino-vit-s16 --batch 64 --amp --photos FOLDER --workers 16
    pytorch_gpu_twin.py embed       --case dino-vit-s16 --batch 64 --tf32     the backbone's forward pass on images that are in pinned memory

Each prints one line of JSON. The networks and losses are those of ../pytorch_twin.py.
"""
import argparse
import glob
import json
import os
import sys
import time

import torch
import torchvision
import torchvision.transforms as T
from PIL import Image
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import pytorch_twin as twin

STORED_IMAGES, STEPS_PER_EPOCH, EPOCHS = 1024, 1000, 10
DINO = dict(
    method="dino", dim=384, depth=12, heads=6, patch=16, image_size=224, local_size=96, local_crops=8, out_dim=65536,
    steps_per_epoch=STEPS_PER_EPOCH, epochs=EPOCHS, warmup_epochs=0, freeze_epochs=0)


class FusedAttention(twin.Attention):
    def forward(self, x):
        b, n, d = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, d))


class Dino(twin.Dino):
    """The forward pass, up to the loss, is under autocast."""

    amp = False

    def loss_of(self, crops):
        with torch.autocast("cuda", torch.bfloat16, enabled=self.amp):
            with torch.no_grad():
                teacher = self.teacher(crops[:2])
            student = self.student(crops)
        return self.loss(student.float(), teacher.float())


class MoCo:
    """MoCo v2 as in the official code, on one GPU."""

    def __init__(self, device):
        def network():
            net = torchvision.models.resnet50(num_classes=128)
            net.fc = nn.Sequential(nn.Linear(2048, 2048), nn.ReLU(), net.fc)
            return net.to(device)
        self.q, self.k = network(), network()
        for a, b in zip(self.q.parameters(), self.k.parameters()):
            b.data.copy_(a.data)
            b.requires_grad = False
        self.queue, self.pointer = F.normalize(torch.randn(128, 65536, device=device), dim=0), 0
        self.optimizer = torch.optim.SGD(self.q.parameters(), 0.03, momentum=0.9, weight_decay=1e-4)

    amp = False

    def step(self, views, it):
        with torch.autocast("cuda", torch.bfloat16, enabled=self.amp):
            q = F.normalize(self.q(views[0]), dim=1)
            with torch.no_grad():
                for a, b in zip(self.q.parameters(), self.k.parameters()):
                    b.data = b.data * 0.999 + a.data * 0.001
                k = F.normalize(self.k(views[1]), dim=1)
            own = torch.einsum("nc,nc->n", [q, k]).unsqueeze(-1)
            others = torch.einsum("nc,ck->nk", [q, self.queue.clone().detach()])
            logits = torch.cat([own, others], dim=1) / 0.2
            loss = F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long, device=q.device))
        with torch.no_grad():
            self.queue[:, self.pointer:self.pointer + len(k)] = k.T
            self.pointer = (self.pointer + len(k)) % self.queue.shape[1]
        value = loss.item()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return value


class MoCoViews:
    def __init__(self):
        self.view = T.Compose([
            T.RandomResizedCrop(224, scale=(0.2, 1.0)), T.RandomApply([T.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8), T.RandomGrayscale(p=0.2),
            twin.Blur(0.5), T.RandomHorizontalFlip(), T.ToTensor(), T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])

    def __call__(self, image):
        return [self.view(image), self.view(image)]


class Photos(torch.utils.data.Dataset):
    """Photos decoded in memory, as the other side has them."""

    def __init__(self, folder, views):
        files = sorted(glob.glob(os.path.join(folder, "**", "*.jpg"), recursive=True))
        self.images, self.views = [Image.open(f).convert("RGB") for f in files], views

    def __len__(self):
        return STORED_IMAGES * 64

    def __getitem__(self, index):
        return self.views(self.images[index % len(self.images)])


def embed(args, amp):
    """Images/s of the backbone alone: resized images in pinned memory → embeddings on the host."""
    if args.case == "dino-vit-s16":
        net = twin.VisionTransformer(224, DINO["patch"], DINO["dim"], DINO["depth"], DINO["heads"], 0)
    else:
        net = torchvision.models.resnet50()
        net.fc = nn.Identity()
    net = net.cuda().eval()
    images = torch.randint(0, 256, (args.batch, 3, 224, 224), dtype=torch.uint8).pin_memory()
    mean, std = (torch.tensor(v, device="cuda").view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    start = 0
    with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=amp):
        for it in range(args.warmup + args.steps):
            if it == args.warmup:
                torch.cuda.synchronize()
                start = time.perf_counter()
            net((images.cuda(non_blocking=True).float() / 255 - mean) / std).float().cpu()
    seconds = time.perf_counter() - start
    free, total = torch.cuda.mem_get_info()
    print(json.dumps(dict(
        images_per_second=args.batch * args.steps / seconds, wait=0, gpu_mib=(total - free) / 2**20, first_loss=0, last_loss=0)), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=("step", "end-to-end", "embed"))
    parser.add_argument("--case", choices=("dino-vit-s16", "moco-resnet50"), default="dino-vit-s16")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--amp", action="store_true")
    parser.add_argument("--tf32", action="store_true")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--photos")
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True  # As the official code of both has it.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = args.tf32 or args.amp
    if args.mode == "embed":
        twin.Attention = FusedAttention
        embed(args, args.amp)
        return
    dino = args.case == "dino-vit-s16"
    if dino:
        if args.amp:
            twin.Attention = FusedAttention
        o = {**twin.DEFAULTS, **DINO}
        training, views, sizes = Dino(o, "cuda"), twin.Views(o), [224] * 2 + [96] * 8
    else:
        training, views, sizes = MoCo("cuda"), MoCoViews(), [224] * 2
    training.amp = args.amp
    if args.mode == "step":
        fixed = [torch.randn(args.batch, 3, s, s, device="cuda") for s in sizes]
        source = iter(lambda: fixed, None)
    else:
        torch.set_num_threads(2)
        source = iter(torch.utils.data.DataLoader(
            Photos(args.photos, views), batch_size=args.batch, shuffle=True, drop_last=True, num_workers=args.workers, pin_memory=True))
    start, waited, losses = 0, 0, []
    for it in range(args.warmup + args.steps):
        if it == args.warmup:
            torch.cuda.synchronize()
            start, waited = time.perf_counter(), 0
        before = time.perf_counter()
        crops = [crop.cuda(non_blocking=True) for crop in next(source)]
        waited += time.perf_counter() - before
        losses.append(training.step(crops, it))
    torch.cuda.synchronize()
    seconds = time.perf_counter() - start
    free, total = torch.cuda.mem_get_info()
    print(json.dumps(dict(
        images_per_second=args.batch * args.steps / seconds, wait=waited / seconds, gpu_mib=(total - free) / 2**20,
        first_loss=losses[0], last_loss=losses[-1])), flush=True)
    os._exit(0)  # Workers of the loader need not be waited for.


if __name__ == "__main__":
    main()
