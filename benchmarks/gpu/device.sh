#!/usr/bin/env bash
# On a GPU machine: unpacks what pack.sh packed, and runs parts of it. Results go to OUT (results.md, tests.log, learn.jsonl, mix-1.jsonl ...).
#
#   device.sh ARCHIVE OUT [part ...]      parts: tests step end-to-end embed; float32, learn and mix-SEED too where they are named
#
# learn has each method learn for a while, mix-1, mix-2 ... methods with and without mixing, of one seed each. They take CIFAR-10 from the
# archive, or from cifar10 in the folder that MLNETSSL_DATA names. Each part is meant to take less than 4 minutes. A dry run on a processor, a step
# of each, finds out whether all of it would start; with MLNETSSL_PRETEND_GPU=1 it does the tests too, on a pretended device:
#   MLNETSSL_GPU_DRY=1 MLNETSSL_LIBTORCH=<folder of libtorch.so> device.sh ARCHIVE OUT tests step end-to-end embed float32 learn mix-1
set -uo pipefail
archive=$(realpath "$1") out=$(realpath -m "$2"); shift 2
parts=" ${*:-tests step end-to-end embed} "
for part in $parts; do
  [[ "$part" =~ ^(tests|step|end-to-end|embed|float32|learn|mix-[0-9]+)$ ]] || { echo "There is no part '$part'." >&2; exit 2; }
done
app=${MLNETSSL_GPU_APP:-/tmp/mlnet-ssl-gpu} dry=${MLNETSSL_GPU_DRY:-}
cifar=${MLNETSSL_DATA:+$(realpath "$MLNETSSL_DATA")/}cifar10
mkdir -p "$app" "$out"
# A machine that is still warm may hold an older archive's.
sum=$(cksum < "$archive") || exit
if [ "$(cat "$app/sum" 2> /dev/null)" != "$sum" ]; then
  rm -rf "$app/app" && tar -C "$app" -xJf "$archive" && echo "$sum" > "$app/sum" || exit
fi
cd "$app/app" || exit
if [ -n "$dry" ]; then
  LD_LIBRARY_PATH=$MLNETSSL_LIBTORCH:${LD_LIBRARY_PATH:-} machine="A dry run: no figure of it means anything."
else
  site=$(python3 -c 'import torch, os; print(os.path.dirname(os.path.dirname(torch.__file__)))')
  LD_LIBRARY_PATH=$site/torch/lib:$(printf '%s:' "$site"/nvidia/*/lib "$site"/nvidia/*/*/lib)${LD_LIBRARY_PATH:-}
  machine=$(python3 -c 'import os, torch; print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}, {os.cpu_count()} processor threads.")')
fi
export LD_LIBRARY_PATH OMP_WAIT_POLICY=PASSIVE DOTNET_gcServer=0 TORCHSHARP_QUIET=1
results=$out/results.md
{
  echo "$machine"; echo; echo '| case | mode | batch | side | images/s | wait for data | GPU MiB | loss |'; echo '|---|---|---|---|---|---|---|---|'
} >> "$results"

failed() { # case mode batch side
  echo "| $1 | $2 | $3 | $4 | failed | | | |" >> "$results"
  tail -5 "$out/errors.log" | cut -c1-300
}
row() { # case mode batch side command...
  local name="$1" mode="$2" batch="$3" side="$4" line; shift 4
  echo "== $name, $mode, $batch, $side" >> "$out/errors.log"
  # One that hangs takes no other's time.
  line=$(timeout -k 5 "$([ -n "$dry" ] && echo 1200 || echo 100)" "$@" 2>> "$out/errors.log" | tail -1)
  echo "It ended with $? (124: out of time)." >> "$out/errors.log"
  python3 - "$name" "$mode" "$batch" "$side" "$line" >> "$results" 2> /dev/null <<'PY' || failed "$name" "$mode" "$batch" "$side"
import json, sys
name, mode, batch, side, line = sys.argv[1:]
r = json.loads(line)
print(f"| {name} | {mode} | {batch} | {side} | {r['images_per_second']:.0f} | {r['wait']:.1%} | {r['gpu_mib']:.0f} | {r['first_loss']:.3f} to {r['last_loss']:.3f} |")
PY
  tail -1 "$results"
}
here() { # case mode batch precision steps
  local batch=$3 steps=$5 small=()
  if [ -n "$dry" ]; then batch=2 steps=1 small=(--device cpu --images 8 --warmup 1); fi
  row "$1" "$2" "$batch" "here, $4" ./MLNet.Ssl.Benchmarks gpu-run "$2" --case "$1" --batch "$batch" --precision "$4" --photos photos \
    --steps "$steps" "${small[@]}"
}
there() { # case mode batch label steps flags...
  local name="$1" mode="$2" batch="$3" label="$4" steps="$5"; shift 5
  [ -n "$dry" ] || row "$name" "$mode" "$batch" "PyTorch, $label" python3 gpu/pytorch_gpu_twin.py "$mode" --case "$name" --batch "$batch" --photos photos --steps "$steps" "$@"
}
lane() { # result seed threads case
  local small=(--seconds 90 --threads "$3")
  if [ -n "$dry" ]; then small=(--device cpu --seconds 1 --threads 1 --images 128 --tests 100); fi
  timeout 225 ./MLNet.Ssl.Benchmarks gpu-learn --case "$4" --seed "$2" --train "$cifar/train.bin.gz" --test "$cifar/test.bin.gz" "${small[@]}" \
    > "$out/$1.json" 2>> "$out/errors.log" || echo "{\"name\": \"$4\", \"failed\": $?}" > "$out/$1.json"
}
lanes() { # part seed case...
  local part="$1" seed="$2" i=0 name; shift 2
  # Small networks leave most of a GPU idle: the lanes run side by side.
  for name in "$@"; do
    lane "$part-lane$i" "$seed" $((16 / $#)) "$name" &
    [ -z "$dry" ] || wait
    i=$((i + 1))
  done
  wait
  cat "$out/$part"-lane*.json | tee "$out/$part.jsonl"
}
wants() { [[ "$parts" == *" $1 "* ]]; }

if wants tests; then
  # A pretended device is slow.
  timeout $([ -n "$dry" ] && echo 1200 || echo 225) ./MLNet.Ssl.Gpu.Tests > "$out/tests.log" 2>&1
  code=$?
  grep -E "\[FAIL\]|Total:|=== TEST" "$out/tests.log" | cut -c1-200
  [ $code -eq 0 ] || echo "The tests ended with $code (124: out of time)." | tee -a "$out/tests.log"
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
  for network in dino-vit-s16 moco-resnet50; do
    for precision in BFloat16 TensorFloat32 Float32; do
      here $network embed 64 $precision 4
      here $network transform 64 $precision 4
    done
    there $network embed 64 "autocast, SDPA" 64 --amp
    there $network embed 64 TF32 64 --tf32
    there $network embed 64 "single precision" 32
  done
fi
if wants float32; then
  here dino-vit-s16 step 64 Float32 15
  here dino-vit-s16 step 64 TensorFloat32 15
  there dino-vit-s16 step 64 "single precision" 10
fi
if wants learn; then
  lanes learn 1 "DINO, ViT" "MoCo v2, ResNet-18" "MoCo v3, ResNet-18" "BYOL, ResNet-18" "SimCLR, ResNet-18"
fi
for part in $parts; do
  if [[ "$part" == mix-* ]]; then
    lanes "$part" "${part#mix-}" "DINO, ViT" "DINO, ViT, SDMP" "MoCo v3, ResNet-18" "MoCo v3, ResNet-18, SDMP" \
      "N-pair, ResNet-18" "N-pair, ResNet-18, i-Mix"
  fi
done
