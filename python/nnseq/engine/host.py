"""HostInt: an integer that is known when a traced graph is specialised, such as a batch size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from nnseq.engine.operators import Operators, UnknownDimError, operators

if TYPE_CHECKING:
    from nnseq.engine.trace import Trace

_FNS = {"+": "add", "-": "subtract", "*": "multiply", "//": "floor_divide", "%": "mod"}


class HostInt(Operators):
    """`ops.shape(x)[i]` of an unknown dim. `+ - * // %` with integers give host integers again;
    every operation that takes sizes accepts it; in other arithmetic it is an int64 scalar.
    """

    __slots__ = ("_trace", "_value")

    shape = ()
    dtype = "int64"

    def __init__(self, trace: Trace, value: int) -> None:
        self._trace = trace
        self._value = value

    def _host(self, symbol: str, a: Any, b: Any) -> Any:
        if not all(isinstance(x, (int, HostInt)) and not isinstance(x, bool) for x in (a, b)):
            return operators[_FNS[symbol]](a, b)
        return self._trace.host(_FNS[symbol], a, b)

    def __add__(self, other: Any) -> Any:
        return self._host("+", self, other)

    def __radd__(self, other: Any) -> Any:
        return self._host("+", other, self)

    def __sub__(self, other: Any) -> Any:
        return self._host("-", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self._host("-", other, self)

    def __mul__(self, other: Any) -> Any:
        return self._host("*", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self._host("*", other, self)

    def __floordiv__(self, other: Any) -> Any:
        return self._host("//", self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._host("//", other, self)

    def __mod__(self, other: Any) -> Any:
        return self._host("%", self, other)

    def __rmod__(self, other: Any) -> Any:
        return self._host("%", other, self)

    def __neg__(self) -> Any:
        return self._host("-", 0, self)

    def _unknown(self, *args: Any) -> NoReturn:
        raise UnknownDimError(
            "a dimension that is unknown while tracing was used where Python needs a number"
        )

    __bool__ = __int__ = __index__ = __float__ = __array__ = _unknown

    def __eq__(self, other: Any) -> Any:
        if other is None or self is other:  # None asks whether a size is given at all
            return other is not None
        return self._unknown()

    def __ne__(self, other: Any) -> Any:
        return not self == other

    __lt__ = __le__ = __gt__ = __ge__ = _unknown
    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return "<host integer>"
