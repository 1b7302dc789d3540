"""Names of element types, the default float type and type promotion as Keras does it."""

from __future__ import annotations

from typing import Any

import numpy as np

# In order of promotion; the names of the core.
DTYPES = ("bool", "uint8", "int32", "int64", "float32", "float64")
_RANK = {name: rank for rank, name in enumerate(DTYPES)}
_FLOATS = frozenset({"float32", "float64"})
_ALIASES = {"float": "float32", "double": "float64", "int": "int32", "half": "float16"}
_NUMPY = {name: np.dtype(name) for name in DTYPES}
_NAMES: dict[Any, str] = {dtype: name for name, dtype in _NUMPY.items()}
_NAMES.update({name: name for name in DTYPES})
# How other array types enter a computation.
_CONVERTED = {"float16": "float32", "int8": "int32", "int16": "int32", "uint16": "int32"}
_CONVERTED.update({"uint32": "int64", "uint64": "int64", "float64": "float32"})

_floatx = "float32"
_epsilon = 1e-7


def floatx() -> str:
    """The default float type, always "float32".

    >>> floatx()
    'float32'
    """
    return _floatx


def set_floatx(value: str) -> None:
    """Sets the default float type; only "float32" is supported.

    Raises:
        ValueError: for any other type.
    """
    if standardize_dtype(value) != "float32":
        raise ValueError(
            f"floatx can only be 'float32', the type the core computes in; got {value!r}"
        )


def epsilon() -> float:
    """The small constant that keeps divisions and logarithms finite, 1e-7 unless set."""
    return _epsilon


def set_epsilon(value: float) -> None:
    """Sets the value that `epsilon()` returns."""
    global _epsilon
    _epsilon = float(value)


def input_dtype(dtype: Any) -> str:
    """The name of a type of inputs: one of the core, or "string", which only host layers take."""
    return "string" if dtype in ("string", str) else standardize_dtype(dtype)


def standardize_dtype(dtype: Any) -> str:
    """The core's name of a type given as a string, a NumPy type, a Python type or None (floatx).

    Raises:
        ValueError: if the core has no such type.

    >>> standardize_dtype(np.int32), standardize_dtype(None), standardize_dtype("bool")
    ('int32', 'float32', 'bool')
    """
    if dtype is None:
        return _floatx
    try:
        found = _NAMES.get(dtype)
    except TypeError:
        found = None
    if found is not None:
        return found
    name = getattr(dtype, "compute_dtype", dtype)  # a dtype policy
    if isinstance(name, str):
        name = _ALIASES.get(name, name)
    elif name in (float, int, bool):
        name = {float: "float32", int: "int32", bool: "bool"}[name]
    else:
        try:
            name = np.dtype(name).name
        except TypeError:
            name = str(name)
    if name not in _RANK:
        raise ValueError(f"dtype {dtype!r} is not supported; use one of {', '.join(DTYPES)}")
    return name


def numpy_dtype(dtype: str) -> np.dtype:
    """The NumPy type of a core type."""
    return _NUMPY[dtype]


def is_float(dtype: str) -> bool:
    """Whether a core type is a float type."""
    return dtype in _FLOATS


def is_float_dtype(dtype: Any) -> bool:
    """Whether a type, given in any form, is a float type.

    >>> is_float_dtype("float32"), is_float_dtype(np.int32)
    (True, False)
    """
    return is_float(standardize_dtype(dtype))


def is_int_dtype(dtype: Any) -> bool:
    """Whether a type, given in any form, is an integer type; bool is none."""
    return standardize_dtype(dtype) in ("uint8", "int32", "int64")


def converted(dtype: np.dtype) -> str:
    """The core type an array of this NumPy type gets when it enters a computation.

    float64 and float16 become float32, small integers int32.

    Raises:
        TypeError: for types without a number, such as strings and objects.

    >>> converted(np.dtype("float64")), converted(np.dtype("int8"))
    ('float32', 'int32')
    """
    name = dtype.name
    if name == "float64":
        return _floatx
    if name in _RANK:
        return name
    if name not in _CONVERTED:
        raise TypeError(f"arrays of dtype {dtype} cannot be used; convert them to numbers first")
    return _CONVERTED[name]


def result_type(*operands: Any) -> str:
    """The common type of core types and Python scalar types (bool, int, float: weak).

    >>> result_type("int32", "float32"), result_type("int32", float), result_type("uint8", int)
    ('float32', 'float32', 'uint8')
    """
    strong = ""
    weak_float = weak_int = False
    for d in operands:
        if d is float:
            weak_float = True
        elif d is int:
            weak_int = True
        else:
            name = "bool" if d is bool else d
            if not strong or _RANK[name] > _RANK[strong]:
                strong = name
    if weak_float and strong not in _FLOATS:
        return _floatx
    if weak_int and (not strong or strong == "bool"):
        return "int32"
    return strong or _floatx
