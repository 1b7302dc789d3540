#!/bin/sh
# Compiles the bodies that CUDA shares with the CPU, where nvcc exists: `cuda_check.sh [nvcc]`.
if [ -z "$1" ]; then
  echo "cuda-check: no nvcc here, nothing compiled"
  exit 0
fi
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$root/build/cuda"
for source in "$root"/csrc/cuda/*.cu "$root"/tests/cuda/*.cu; do
  [ -e "$source" ] || continue
  "$1" -std=c++20 -O1 -Werror all-warnings --fmad=false -arch=all-major \
    -I "$root/csrc" -I "$root/csrc/include" \
    -c "$source" -o "$root/build/cuda/$(basename "$source").o" || exit 1
  echo "cuda-check: $(basename "$source") compiles"
done
