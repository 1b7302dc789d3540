"""
The C++ core of nnseq: graphs, Programs and the Variables that they run on.
"""

from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing

__all__: list[str] = [
    "Function",
    "Graph",
    "HOST_SIZE",
    "ModelFile",
    "ModelFileError",
    "NotFiniteError",
    "Profile",
    "Program",
    "Tensor",
    "Variable",
    "available_isas",
    "binary_names",
    "device",
    "eager",
    "group_variables",
    "isa",
    "num_threads",
    "op_names",
    "set_device",
    "set_num_threads",
    "set_thread_backend",
    "shuffle_order",
    "unary_names",
]

class ModelFileError(ValueError):
    pass

class NotFiniteError(FloatingPointError):
    step: typing.ClassVar[int] = 0

class Tensor:
    """
    An immutable array in the core's memory.
    """
    def __init__(self, array: numpy.ndarray) -> None: ...
    def numpy(self) -> numpy.ndarray:
        """
        A new array with the values.
        """
    @property
    def dtype(self) -> str: ...
    @property
    def shape(self) -> tuple: ...

class Variable:
    """
    Storage that Functions read and write.
    """

    name: str
    def __init__(self, array: numpy.ndarray, name: str = "") -> None: ...
    @typing.overload
    def assign(self, value: numpy.ndarray) -> None: ...
    @typing.overload
    def assign(self, value: Tensor) -> None: ...
    def numpy(self) -> numpy.ndarray: ...
    def value(self) -> Tensor: ...
    @property
    def dtype(self) -> str: ...
    @property
    def shape(self) -> tuple: ...
    @property
    def version(self) -> int:
        """
        Counts writes.
        """

class Graph:
    """
    A traced program: nodes, slots, outputs.
    """
    def __init__(self) -> None: ...
    def __str__(self) -> str: ...
    def add(
        self,
        op: str,
        inputs: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        attrs: dict = {},
    ) -> int:
        """
        Appends a node and returns its first output.
        """
    def add_output(
        self, value: typing.SupportsInt | typing.SupportsIndex, name: str = ""
    ) -> None: ...
    def add_slot(self, name: str, dtype: str, shape: typing.Any) -> int: ...
    def assign(
        self,
        slot: typing.SupportsInt | typing.SupportsIndex,
        value: typing.SupportsInt | typing.SupportsIndex,
    ) -> None: ...
    def constant(self, array: numpy.ndarray) -> int: ...
    def depends_on(
        self,
        target: typing.SupportsInt | typing.SupportsIndex,
        source: typing.SupportsInt | typing.SupportsIndex,
    ) -> bool:
        """
        Whether target depends on source in a differentiable way.
        """
    def dtype(self, value: typing.SupportsInt | typing.SupportsIndex) -> str: ...
    def input(self, name: str, dtype: str, shape: typing.Any) -> int: ...
    def num_outputs(self, value: typing.SupportsInt | typing.SupportsIndex) -> int: ...
    def producer(self, value: typing.SupportsInt | typing.SupportsIndex) -> tuple:
        """
        (op, inputs, attrs) of the value's node.
        """
    def read(self, slot: typing.SupportsInt | typing.SupportsIndex) -> int: ...
    def scalar(self, value: typing.SupportsFloat | typing.SupportsIndex, dtype: str) -> int: ...
    def scope(self, value: typing.SupportsInt | typing.SupportsIndex) -> str:
        """
        The layer that made the value's node.
        """
    def set_scope(self, scope: str) -> None: ...
    def shape(self, value: typing.SupportsInt | typing.SupportsIndex) -> tuple: ...
    @property
    def inputs(self) -> list:
        """
        The value of each.
        """
    @property
    def num_nodes(self) -> int: ...
    @property
    def outputs(self) -> list:
        """
        The value of each.
        """

class Program:
    """
    A Function for concrete shapes.
    """
    def __str__(self) -> str: ...
    @property
    def arena_bytes(self) -> int: ...
    @property
    def num_nodes(self) -> int: ...
    @property
    def num_steps(self) -> int: ...
    @property
    def scratch_bytes(self) -> int: ...
    @property
    def specialise_seconds(self) -> float: ...

class Profile:
    """
    What the steps of a Program are and how long they took.
    """
    class Row:
        """
        Steps that are equal but for their data.
        """
        @property
        def bytes(self) -> float:
            """
            Read and written at least, in one run.
            """
        @property
        def flops(self) -> float:
            """
            Of one run; 0: bytes are what counts.
            """
        @property
        def kernel(self) -> str:
            """
            What runs, with its choices.
            """
        @property
        def layer(self) -> str: ...
        @property
        def op(self) -> str: ...
        @property
        def refused(self) -> str:
            """
            Why nothing faster does, or empty.
            """
        @property
        def seconds(self) -> float:
            """
            Of one run, the mean.
            """
        @property
        def shapes(self) -> str: ...
        @property
        def steps(self) -> int:
            """
            How many there are in one run.
            """

    def __str__(self) -> str: ...
    @property
    def cells(self) -> list[list[str]]: ...
    @property
    def header(self) -> list[str]: ...
    @property
    def isa(self) -> str: ...
    @property
    def memory(self) -> int:
        """
        Bytes of activations and scratch.
        """
    @property
    def rows(self) -> list[Profile.Row]: ...
    @property
    def runs(self) -> int: ...
    @property
    def seconds(self) -> float:
        """
        Of one run, the mean.
        """
    @property
    def title(self) -> str: ...

class Function:
    """
    A traced Graph bound to Variables.
    """
    def __call__(self, *args) -> list[Tensor]:
        """
        One run; commits what the graph assigns.
        """
    def __init__(self, graph: Graph, variables: collections.abc.Sequence[Variable]) -> None: ...
    def profile(self, *args, runs: typing.SupportsInt | typing.SupportsIndex = 10) -> Profile:
        """
        Times every step: the mean of `runs` runs, which commit what the graph assigns.
        """
    def program(self, shapes: collections.abc.Sequence[typing.Any]) -> Program: ...
    def run_steps(
        self,
        arrays: collections.abc.Sequence[numpy.ndarray],
        batch_size: typing.SupportsInt | typing.SupportsIndex,
        first_step: typing.SupportsInt | typing.SupportsIndex,
        num_steps: typing.SupportsInt | typing.SupportsIndex,
        shuffle: tuple[
            typing.SupportsInt | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex
        ]
        | None = None,
        outputs: collections.abc.Sequence[numpy.ndarray] | None = None,
    ) -> list[Tensor]:
        """
        Steps over rows of the arrays; returns the outputs of the last step, or writes rows into `outputs`.
        """
    @property
    def graph(self) -> Graph:
        """
        A copy.
        """
    @property
    def inputs(self) -> list:
        """
        (name, dtype, shape) of each.
        """
    @property
    def outputs(self) -> list:
        """
        (name, dtype, shape) of each.
        """
    @property
    def variables(self) -> list[Variable]:
        """
        One for each slot.
        """

class ModelFile:
    """
    What a model file `.nnseq` holds.
    """
    @staticmethod
    def load(path: str) -> ModelFile:
        """
        Reads a file. Raises: ModelFileError, of one line.
        """
    def __init__(self, name: str) -> None: ...
    def add_function(
        self,
        name: str,
        function: Function,
        inputs: collections.abc.Sequence[str],
        outputs: collections.abc.Sequence[str],
    ) -> None: ...
    def add_variable(self, variable: Variable, role: str, trainable: bool = False) -> None:
        """
        role: 'weight', 'state', 'optimizer' or 'metric'.
        """
    def save(self, path: str) -> None:
        """
        Writes the file, whole or not at all.
        """
    @property
    def classes(self) -> list[str]: ...
    @classes.setter
    def classes(self, arg0: collections.abc.Sequence[str]) -> None: ...
    @property
    def config(self) -> str:
        """
        The Keras configuration as JSON, or ''.
        """
    @config.setter
    def config(self, arg0: str) -> None: ...
    @property
    def functions(self) -> list[tuple[str, Function]]: ...
    @property
    def name(self) -> str: ...
    @property
    def variables(self) -> list[tuple[Variable, str, bool]]:
        """
        (Variable, role, trainable) of each.
        """

def available_isas() -> list[str]: ...
def device() -> str: ...
def eager(op: str, inputs: collections.abc.Sequence[Tensor], attrs: dict = {}) -> list[Tensor]:
    """
    Runs one op on tensors.
    """

def group_variables(
    trainable: collections.abc.Sequence[Variable], others: collections.abc.Sequence[Variable]
) -> None:
    """
    Moves trainable Variables into one arena and all of them under one lock.
    """

def isa() -> str:
    """
    The kernel table in use.
    """

def num_threads() -> int: ...
def set_device(name: str) -> None:
    """
    'cpu', or 'mirror' for tests; for tensors and Variables made afterwards.
    """

def set_num_threads(n: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Threads used by every op from now on.
    """

def set_thread_backend(name: str) -> None:
    """
    'openmp' or 'std'.
    """

def shuffle_order(
    seed: typing.SupportsInt | typing.SupportsIndex,
    epoch: typing.SupportsInt | typing.SupportsIndex,
    n: typing.SupportsInt | typing.SupportsIndex,
) -> numpy.typing.NDArray[numpy.int64]:
    """
    The order of n samples in an epoch: a pure function of its arguments.
    """

HOST_SIZE: int = -1000000
__version__: str = "0.1.0"
binary_names: tuple = (
    "add",
    "subtract",
    "multiply",
    "divide",
    "power",
    "maximum",
    "minimum",
    "floor_divide",
    "mod",
    "equal",
    "not_equal",
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "logical_and",
    "logical_or",
)
op_names: tuple = (
    "input",
    "constant",
    "read",
    "dim",
    "host",
    "stop_gradient",
    "gradient",
    "scan",
    "unary",
    "unary_grad",
    "binary",
    "select",
    "cast",
    "broadcast",
    "chain",
    "reshape",
    "transpose",
    "concat",
    "unstack",
    "slice",
    "pad",
    "reverse",
    "iota",
    "gather",
    "scatter_add",
    "one_hot",
    "reduce",
    "arg_reduce",
    "arg_sort",
    "cumsum",
    "matmul",
    "conv2d",
    "conv2d_by_data",
    "conv2d_by_weights",
    "max_pool",
    "max_pool_grad",
    "avg_pool",
    "avg_pool_grad",
    "softmax",
    "softmax_grad",
    "log_softmax",
    "log_softmax_grad",
    "softmax_cross_entropy",
    "softmax_cross_entropy_grad",
    "batch_norm",
    "batch_norm_grad",
    "layer_norm",
    "layer_norm_grad",
    "recurrent",
    "recurrent_grad",
    "random",
    "dropout",
    "check_finite",
    "update",
)
unary_names: tuple = (
    "negative",
    "abs",
    "sign",
    "floor",
    "ceil",
    "round",
    "square",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "exp",
    "expm1",
    "log",
    "log1p",
    "sin",
    "cos",
    "erf",
    "tanh",
    "sigmoid",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "softplus",
    "softsign",
    "silu",
    "gelu",
    "gelu_tanh",
    "hard_sigmoid",
    "hard_silu",
    "mish",
    "logical_not",
    "is_nan",
    "is_finite",
)
