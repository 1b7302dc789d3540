"""Settings of a process that compares with Keras, made before it imports Keras or JAX."""

import os

# Compiling without optimization takes a tenth of the time; the oracle runs nothing for long.
XLA_FLAGS = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1 "
    "--xla_cpu_multi_thread_eigen=false"
)


def prepare() -> None:
    """Keras runs on JAX, on the CPU."""
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["XLA_FLAGS"] = XLA_FLAGS
