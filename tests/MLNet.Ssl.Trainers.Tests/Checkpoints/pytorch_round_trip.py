"""Reads a safetensors file by its format, lets PyTorch write it again in both of its formats, and embeds an input with the same weights."""
import json
import struct
import sys

import torch
import torch.nn.functional as F

TYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
         "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool}


def read(path):
    with open(path, "rb") as f:
        content = f.read()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + length])
    data = bytearray(content[8 + length:])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        raw = torch.frombuffer(data[begin:end], dtype=TYPES[entry["dtype"]]) if end > begin else torch.empty(0, dtype=TYPES[entry["dtype"]])
        tensors[name] = raw.reshape(entry["shape"])
    return tensors, metadata


def vision_transformer(w, x, heads):
    width, patch = w["cls_token"].shape[-1], w["patch_embed.proj.weight"].shape[-1]
    t = F.conv2d(x, w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=patch).flatten(2).transpose(1, 2)
    t = torch.cat([w["cls_token"].expand(len(x), -1, -1), t], 1) + w["pos_embed"]
    depth = sum(name.endswith("attn.qkv.weight") for name in w)
    for i in range(depth):
        def linear(t, name):
            return F.linear(t, w[f"blocks.{i}.{name}.weight"], w[f"blocks.{i}.{name}.bias"])

        def norm(t, name):
            return F.layer_norm(t, (width,), w[f"blocks.{i}.{name}.weight"], w[f"blocks.{i}.{name}.bias"], 1e-6)

        q, k, v = linear(norm(t, "norm1"), "attn.qkv").reshape(len(x), -1, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        mixed = ((q @ k.transpose(-2, -1)) * (width // heads) ** -0.5).softmax(-1) @ v
        t = t + linear(mixed.transpose(1, 2).flatten(2), "attn.proj")
        t = t + linear(F.gelu(linear(norm(t, "norm2"), "mlp.fc1")), "mlp.fc2")
    return F.layer_norm(t, (width,), w["norm.weight"], w["norm.bias"], 1e-6)[:, 0]


weights, metadata = read(sys.argv[1])
inputs, _ = read(sys.argv[2])
torch.save(weights, sys.argv[3])
torch.save(weights, sys.argv[4], _use_new_zipfile_serialization=False)
with torch.no_grad():
    embedding = vision_transformer(weights, inputs["x"], int(metadata["heads"]))
torch.save({"embedding": embedding, "format": metadata["format"]}, sys.argv[5])
