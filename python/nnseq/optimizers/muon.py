"""Muon."""

import math
import re
from collections.abc import Sequence
from typing import Any

from nnseq import ops
from nnseq.engine.variable import Variable
from nnseq.optimizers.optimizer import Optimizer


class Muon(Optimizer):
    """Matrices move along their orthogonalized momentum (Jordan et al., 2024), all else by AdamW.

    m = momentum * m + g; u = orthogonal(g + momentum * m) with nesterov, else orthogonal(m);
    w -= learning_rate * u * sqrt(max(rows, columns)) * rms_rate, without the last two factors if
    rms_rate is None. `ns_steps` steps of Newton and Schulz with the coefficients muon_a, muon_b
    and muon_c bring the singular values near 1.

    exclude_embeddings: leaves out Variables with "embedding" in their path. exclude_layers:
    patterns of further paths to leave out. adam_*: what holds for all that is left out.
    """

    slot_groups = (("momentum", "velocity"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            weight_decay,
            clipnorm,
            clipvalue,
            global_clipnorm,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps,
            name,
            **kwargs,
        )
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_layers = list(exclude_layers or [])
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    def _is_left_out(self, variable: Variable) -> bool:
        if len(variable.shape) != 2:
            return True
        if self.exclude_embeddings and "embedding" in variable.path.lower():
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def _make_slots(self, variable: Variable) -> tuple[Variable, ...]:
        slots = super()._make_slots(variable)
        return slots if self._is_left_out(variable) else slots[:1]

    def _weight_decay_for(self, variable: Variable) -> float | None:
        return self.adam_weight_decay if self._is_left_out(variable) else self.weight_decay

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        if self._is_left_out(variable):
            self._adam_step(gradient, variable, learning_rate * self.adam_lr_ratio)
            return
        (slot,) = self.slots(variable)
        m = self.momentum * slot.value + gradient
        slot.assign(m)
        update = self._orthogonal(gradient + self.momentum * m if self.nesterov else m)
        if self.rms_rate is not None:
            update = update * (math.sqrt(max(variable.shape)) * self.rms_rate)
        variable.assign(variable.value - learning_rate * update)

    def _adam_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        m_slot, v_slot = self.slots(variable)
        t = ops.cast(self.iterations + 1, "float32")
        rest_1 = 1.0 - ops.power(self.adam_beta_1, t)
        rest_2 = 1.0 - ops.power(self.adam_beta_2, t)
        m = m_slot.value + (gradient - m_slot.value) * (1 - self.adam_beta_1)
        v = v_slot.value + (ops.square(gradient) - v_slot.value) * (1 - self.adam_beta_2)
        m_slot.assign(m)
        v_slot.assign(v)
        step = learning_rate * ops.sqrt(rest_2) / rest_1
        variable.assign(variable.value - m * step / (ops.sqrt(v) + self.epsilon))

    def _orthogonal(self, x: Any) -> Any:
        """Nearly U V^T for x = U S V^T: p(S) instead of S, iterated, with p(s) = a s + b s^3 +
        c s^5; on the smaller of the two square matrices."""
        is_tall = x.shape[0] > x.shape[1]
        x = ops.transpose(x) if is_tall else x
        x = x / (ops.norm(x) + 1e-7)
        for _ in range(self.ns_steps):
            square = ops.matmul(x, ops.transpose(x))
            p = self.muon_b * square + self.muon_c * ops.matmul(square, square)
            x = self.muon_a * x + ops.matmul(p, x)
        return ops.transpose(x) if is_tall else x

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "adam_beta_1": self.adam_beta_1,
            "adam_beta_2": self.adam_beta_2,
            "epsilon": self.epsilon,
            "exclude_layers": self.exclude_layers,
            "muon_a": self.muon_a,
            "muon_b": self.muon_b,
            "muon_c": self.muon_c,
            "adam_lr_ratio": self.adam_lr_ratio,
            "momentum": self.momentum,
            "ns_steps": self.ns_steps,
            "nesterov": self.nesterov,
            "exclude_embeddings": self.exclude_embeddings,
            "adam_weight_decay": self.adam_weight_decay,
            "rms_rate": self.rms_rate,
        }
