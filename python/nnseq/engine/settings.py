"""Settings of the whole process that `nnseq.config` shows."""

from dataclasses import dataclass


@dataclass
class Settings:
    """What layers, `fit` and messages ask when nothing is said at the call."""

    image_data_format: str = "channels_last"
    interactive_logging: bool = True
    max_epochs: int | None = None
    max_steps_per_epoch: int | None = None


settings = Settings()
