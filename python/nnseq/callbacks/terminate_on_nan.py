"""Ends training at the first loss that is not finite."""

import math
from typing import Any

from nnseq.callbacks.callback import Callback
from nnseq.utils.messages import print_msg


class TerminateOnNaN(Callback):
    """Ends fit at the first batch whose loss, or a gradient of it, is infinite or NaN.

    Nothing of that step is written: weights, optimizer and metrics stay as the last whole step
    left them. Steps that do not use an Optimizer are only seen by their `loss`, and afterwards.

    raise_error: raise a RuntimeError instead of ending fit.
    """

    every_batch = False
    wants_finite = True

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(
                f"NaN or Inf loss encountered at batch {batch}. Loss value: {loss}. Terminating "
                "training immediately."
            )
        print_msg(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
