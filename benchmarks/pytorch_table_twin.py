#!/usr/bin/python3
"""The PyTorch side of the benchmark on tables: MoCo with i-Mix on CovType, written the way the published training loop is.

A DataLoader over a data set of rows, masking and mixing by tensor operators, torch.optim.SGD, and a loop over parameters for the key
network's moving average. Needs Debian's python3-torch.

    pytorch_table_twin.py step        --width 256 --steps 20      the training step alone, on a batch fixed in memory
    pytorch_table_twin.py end-to-end  --width 256 --steps 20      with the loader
    pytorch_table_twin.py embed       --width 256 --steps 20      the encoder alone, 1 024 rows at a time, without gradients
    pytorch_table_twin.py losses FILE                             MoCo without mixing, from the weights, queue and rows in FILE (safetensors)

Each prints one line of JSON.
"""
import argparse
import copy
import json
import time

import torch
from torch import nn
from torch.nn import functional as F

from pytorch_twin import read_safetensors

GROUPS, BATCH, QUEUE, DIM = (10, 4, 40), 512, 4096, 128
LR, MOMENTUM, DECAY, KEY_MOMENTUM, TEMPERATURE, ALPHA = 0.125 * BATCH / 256, 0.9, 1e-4, 0.999, 0.1, 2.0


class Hidden(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.linear, self.bn = nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs)

    def forward(self, x):
        return F.relu(self.bn(self.linear(x)), inplace=True)


class TabularMlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.input = nn.ModuleList(nn.Linear(slots, 64) for slots in GROUPS)
        widths = [64 * len(GROUPS), width, width, 2 * width, 2 * width]
        self.hidden = nn.ModuleList(Hidden(a, b) for a, b in zip(widths, widths[1:]))
        self.output = nn.Linear(widths[-1], 4 * width)

    def forward(self, x):
        x = torch.cat([layer(part) for layer, part in zip(self.input, x.split(GROUPS, dim=1))], dim=1)
        for layer in self.hidden:
            x = layer(x)
        x = self.output(x)
        return x.view(len(x), -1, 4).max(dim=2)[0]


class Network(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.backbone = TabularMlp(width)
        self.head = nn.Sequential(
            nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(inplace=True), nn.Linear(width, DIM), nn.BatchNorm1d(DIM))

    def forward(self, x):
        return self.head(self.backbone(x))


class MoCo:
    def __init__(self, width):
        torch.manual_seed(0)
        self.query = Network(width)
        self.queue, self.pointer = F.normalize(torch.randn(DIM, QUEUE), dim=0), 0
        self.start()

    def start(self):
        self.key = copy.deepcopy(self.query)
        for parameter in self.key.parameters():
            parameter.requires_grad = False
        self.optimizer = torch.optim.SGD(self.query.parameters(), LR, momentum=MOMENTUM, weight_decay=DECAY)

    def step(self, rows, mixes=True):
        # Published: no masking for MoCo with i-Mix on CovType, so that both views are the rows.
        x = rows
        if mixes:
            share = torch.distributions.Beta(ALPHA, ALPHA).sample((len(rows), 1))
            share = torch.max(share, 1 - share)
            partner = torch.randperm(len(rows))
            x = share * rows + (1 - share) * rows[partner]
        q = F.normalize(self.query(x), dim=1)
        with torch.no_grad():
            for query, key in zip(self.query.parameters(), self.key.parameters()):
                key.data = key.data * KEY_MOMENTUM + query.data * (1 - KEY_MOMENTUM)
            k = F.normalize(self.key(rows), dim=1)
        if mixes:
            logits = q @ torch.cat([k.t(), self.queue.clone().detach()], dim=1) / TEMPERATURE
            own, other = (F.cross_entropy(logits, labels, reduction="none") for labels in (torch.arange(len(q)), partner))
            loss = (share.squeeze(1) * own + (1 - share.squeeze(1)) * other).mean()
        else:
            logits = torch.cat([(q * k).sum(1, keepdim=True), q @ self.queue.clone().detach()], dim=1) / TEMPERATURE
            loss = F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.queue[:, self.pointer:self.pointer + len(k)] = k.t()
        self.pointer = (self.pointer + len(k)) % QUEUE
        return loss.item()


def rows(count):
    torch.manual_seed(1)
    return torch.cat([torch.randn(count, 10), (torch.rand(count, 44) < 0.1).float()], dim=1)


def measure(args):
    table = rows(15120)
    training = MoCo(args.width)
    if args.mode == "embed":
        encoder, size = training.query.backbone.eval(), 1024
        source = iter(lambda: table[:size], None)

        def step(batch):
            with torch.no_grad():
                return encoder(batch).numpy()
    elif args.mode == "step":
        step, size = training.step, BATCH
        source = iter(lambda: table[:size], None)
    else:
        step, size = training.step, BATCH
        loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(table), BATCH, shuffle=True, drop_last=True,
                                             num_workers=args.workers, persistent_workers=args.workers > 0)

        def epochs():
            while True:
                for batch, in loader:
                    yield batch
        source = epochs()
    for _ in range(args.warmup):
        step(next(source))
    start, processor = time.perf_counter(), time.process_time()
    for _ in range(args.steps):
        step(next(source))
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    # The processor time of this process alone: that of the loader's workers comes on top.
    return dict(rows_per_second=size * args.steps / seconds, cpu_us_per_row=1e6 * processor / (size * args.steps))


def losses(args):
    metadata, tensors = read_safetensors(args.file)
    training = MoCo(int(metadata["width"]))
    missing = training.query.load_state_dict({k[len("query."):]: v for k, v in tensors.items() if k.startswith("query.")}, strict=False)
    assert not missing.unexpected_keys, missing
    training.queue = tensors["queue"]
    training.start()
    training.optimizer.param_groups[0]["lr"] = float(metadata["lr"])
    batches = [tensors[f"rows.{i}"] for i in range(sum(k.startswith("rows.") for k in tensors))]
    return dict(losses=[training.step(batch, mixes=False) for batch in batches])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=("step", "end-to-end", "embed", "losses"))
    parser.add_argument("file", nargs="?", help="losses: the exported weights, queue and rows")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(json.dumps(losses(args) if args.mode == "losses" else measure(args)))


if __name__ == "__main__":
    main()
