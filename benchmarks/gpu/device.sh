#!/usr/bin/env bash
# On a GPU machine: unpacks what pack.sh packed, and runs parts of it. Results go to OUT (results.md, tests.log).
#
#   device.sh ARCHIVE OUT [part ...]      parts: tests step end-to-end embed; all by default
set -uo pipefail
archive=$(realpath "$1") out=$(realpath -m "$2"); shift 2
parts=" ${*:-tests step end-to-end embed} "
app=${MLNETSSL_GPU_APP:-/tmp/mlnet-ssl-gpu}
mkdir -p "$app" "$out"
[ -d "$app/app" ] || tar -C "$app" -xJf "$archive"
cd "$app/app"
site=$(python3 -c 'import torch, os; print(os.path.dirname(os.path.dirname(torch.__file__)))')
LD_LIBRARY_PATH=$site/torch/lib:$(printf '%s:' "$site"/nvidia/*/lib "$site"/nvidia/*/*/lib)${LD_LIBRARY_PATH:-}
export LD_LIBRARY_PATH OMP_WAIT_POLICY=PASSIVE DOTNET_gcServer=0 TORCHSHARP_QUIET=1
results=$out/results.md
{
  python3 -c 'import torch; print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, {__import__("os").cpu_count()} processor threads.")'
  echo; echo '| case | mode | batch | side | images/s | wait for data | GPU MiB | loss |'; echo '|---|---|---|---|---|---|---|---|'
} >> "$results"

row() { # case mode batch side command...
  local name="$1" mode="$2" batch="$3" side="$4" line; shift 4
  line=$("$@" 2>> "$out/errors.log" | tail -1)
  python3 - "$name" "$mode" "$batch" "$side" "$line" >> "$results" <<'PY' || echo "| $name | $mode | $batch | $side | failed | | | |" >> "$results"
import json, sys
name, mode, batch, side, line = sys.argv[1:]
r = json.loads(line)
print(f"| {name} | {mode} | {batch} | {side} | {r['images_per_second']:.0f} | {r['wait']:.1%} | {r['gpu_mib']:.0f} | {r['first_loss']:.3f} to {r['last_loss']:.3f} |")
PY
  tail -1 "$results"
}
here() { row "$1" "$2" "$3" "here, $4" ./MLNet.Ssl.Benchmarks gpu-run "$2" --case "$1" --batch "$3" --precision "$4" --photos photos --steps "$5"; }
there() { row "$1" "$2" "$3" "PyTorch, $4" python3 gpu/pytorch_gpu_twin.py "$2" --case "$1" --batch "$3" --photos photos --steps "$5" $6; }
wants() { [[ "$parts" == *" $1 "* ]]; }

if wants tests; then
  timeout 150 ./MLNet.Ssl.Gpu.Tests > "$out/tests.log" 2>&1
  grep -E "\[FAIL\]|Total:|=== TEST" "$out/tests.log" | cut -c1-200
fi
if wants step; then
  here dino-vit-s16 step 64 BFloat16 40
  there dino-vit-s16 step 64 "autocast, SDPA" 30 --amp
  here dino-vit-s16 step 256 BFloat16 15
  there dino-vit-s16 step 256 "autocast, SDPA" 12 --amp
  here moco-resnet50 step 128 BFloat16 30
  there moco-resnet50 step 128 autocast 30 --amp
fi
if wants end-to-end; then
  here dino-vit-s16 views 64 BFloat16 20
  here dino-vit-s16 end-to-end 64 BFloat16 60
  there dino-vit-s16 end-to-end 64 "autocast, SDPA, 16 workers" 40 --amp
fi
if wants embed; then
  here dino-vit-s16 embed 64 BFloat16 4
  here moco-resnet50 embed 64 BFloat16 4
fi
if wants float32; then
  here dino-vit-s16 step 64 Float32 15
  here dino-vit-s16 step 64 TensorFloat32 15
  there dino-vit-s16 step 64 "single precision" 10 ""
fi
