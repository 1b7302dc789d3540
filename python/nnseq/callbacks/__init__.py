"""Callbacks: what is told about fit, evaluate and predict while they run."""

from nnseq.callbacks.callback import Callback
from nnseq.callbacks.callback_list import CallbackList
from nnseq.callbacks.early_stopping import EarlyStopping
from nnseq.callbacks.history import History
from nnseq.callbacks.lambda_callback import LambdaCallback
from nnseq.callbacks.progbar_logger import ProgbarLogger

__all__ = [
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "ProgbarLogger",
]
