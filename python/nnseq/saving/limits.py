"""What a file may ask for before it is refused."""

from dataclasses import dataclass


@dataclass
class Limits:
    """The limits of everything that is read; a program may set those of `limits`.

    config_bytes, metadata_bytes, text_bytes: of a JSON text, of a string in it.
    json_depth, json_values, objects: how deep it is nested, how many values, how many of them are
        configurations of layers and other objects.
    entries, datasets: of a zip archive; groups and datasets of an HDF5 file.
    rank: dimensions of a dataset.
    ratio: of the bytes of a compressed text to those stored, above `spare_bytes`.
    spare_bytes: how much more memory than bytes that are stored a file may take: compressed or
        empty datasets, and Variables that are not in it.
    round_float64: whether weights stored as float64 are rounded to float32.
    """

    config_bytes: int = 64 << 20
    text_bytes: int = 1 << 20
    json_depth: int = 64
    json_values: int = 1_000_000
    objects: int = 20_000
    entries: int = 10_000
    datasets: int = 200_000
    rank: int = 8
    ratio: int = 100
    spare_bytes: int = 16 << 20
    round_float64: bool = False


limits = Limits()
