"""Callbacks: what is told about fit, evaluate and predict while they run."""

from nnseq.callbacks.backup_and_restore import BackupAndRestore
from nnseq.callbacks.callback import Callback
from nnseq.callbacks.callback_list import CallbackList
from nnseq.callbacks.csv_logger import CSVLogger
from nnseq.callbacks.early_stopping import EarlyStopping
from nnseq.callbacks.history import History
from nnseq.callbacks.lambda_callback import LambdaCallback
from nnseq.callbacks.learning_rate_scheduler import LearningRateScheduler
from nnseq.callbacks.model_checkpoint import ModelCheckpoint
from nnseq.callbacks.progbar_logger import ProgbarLogger
from nnseq.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from nnseq.callbacks.remote_monitor import RemoteMonitor
from nnseq.callbacks.swap_ema_weights import SwapEMAWeights
from nnseq.callbacks.tensorboard import TensorBoard
from nnseq.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
