"""EinsumDense: a Dense layer along any axes."""

import re
import string
from collections.abc import Sequence
from typing import Any

from nnseq import activations, constraints, initializers, ops, regularizers
from nnseq.initializers import VarianceScaling
from nnseq.layers.input_spec import InputSpec
from nnseq.layers.layer import Layer
from nnseq.layers.serialized import refuse_options, serialized

_FORM = re.compile(r"(\.{3})?([a-zA-Z]+)(\.{3})?,([a-zA-Z]+)->(\.{3})?([a-zA-Z]+)(\.{3})?")


class EinsumDense(Layer):
    """activation(einsum(equation, inputs, kernel) + bias).

    Args:
        equation: "ab,bc->ac" is a Dense layer; "..." stands for axes of the input that stay, first
            or last: "...b,bc->...c".
        output_shape: sizes of the output without the batch and the axes of "..."; None: that of
            the input.
        bias_axes: the letters of the output that the bias has; None: no bias.

    >>> EinsumDense("abc,cde->abde", (None, 4, 5), bias_axes="de")(ops.ones((2, 3, 8))).shape
    (2, 3, 4, 5)
    """

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: None = None,
        lora_alpha: None = None,
        gptq_unpacked_column_size: None = None,
        quantization_config: None = None,
        **kwargs: Any,
    ) -> None:
        refuse_options("EinsumDense", lora_rank=lora_rank, quantization_config=quantization_config)
        super().__init__(**kwargs)
        self.equation = equation
        sizes = [output_shape] if isinstance(output_shape, int) else output_shape
        self.partial_output_shape = tuple(sizes)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Any) -> None:
        of_input, of_kernel, of_output = self._letters(len(input_shape))
        sizes = self._sizes(input_shape, of_input, of_kernel, of_output)
        self.kernel = self.add_weight(
            name="kernel",
            shape=tuple(sizes[c] for c in of_kernel),
            initializer=self._scaled_for(of_kernel, of_output),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.bias_axes is not None:
            start = min(of_output.index(c) for c in self.bias_axes)
            self.bias = self.add_weight(
                name="bias",
                shape=tuple(sizes[c] if c in self.bias_axes else 1 for c in of_output[start:]),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(ndim=len(input_shape))

    def _letters(self, rank: int) -> tuple[str, str, str]:
        """The letters of input, kernel and output, with some for the axes of "..."."""
        found = _FORM.fullmatch(self.equation)
        groups = found.groups(default="") if found else ("", "", "", "", "...", "", "")
        left, of_input, right, of_kernel, left_out, of_output, right_out = groups
        if (left, right) != (left_out, right_out) or (left and right):
            raise ValueError(
                f"Invalid einsum equation '{self.equation}'. Equations must be in the form "
                "[X],[Y]->[Z], ...[X],[Y]->...[Z], or [X]...,[Y]->[Z]...."
            )
        count = rank - len(of_input)
        if count < 0 or (count and not left and not right):
            raise ValueError(
                f"The equation '{self.equation}' does not fit an input of {rank} dimensions."
            )
        unused = [c for c in string.ascii_letters if c not in self.equation]
        more = "".join(unused[:count])
        if left:
            return more + of_input, of_kernel, more + of_output
        return of_input + more, of_kernel, of_output + more

    def _sizes(
        self, input_shape: Any, of_input: str, of_kernel: str, of_output: str
    ) -> dict[str, int | None]:
        """The size of each letter.

        Raises:
            ValueError: if the equation, `output_shape` and the input contradict each other.
        """
        sizes: dict[str, int | None] = dict(zip(of_input, input_shape, strict=True))
        named = [c for c in of_output[1:] if c in self.equation]
        if len(named) != len(self.partial_output_shape):
            raise ValueError(
                f"output_shape={self.partial_output_shape} must give a size for each of {named} in "
                f"the equation '{self.equation}'"
            )
        for c, size in zip(named, self.partial_output_shape, strict=True):
            if size is not None and sizes.get(c, size) != size:
                raise ValueError(
                    f"Input shape and output shape do not match at shared dimension '{c}'. Input "
                    f"shape is {sizes[c]}, and output shape is {size}."
                )
            sizes.setdefault(c, size)
        for c in of_output:
            if c not in of_input and c not in of_kernel:
                raise ValueError(
                    f"Dimension '{c}' was specified in the output '{of_output}' but has no "
                    f"corresponding dim in the input spec '{of_input}' or weight spec '{of_kernel}'"
                )
        for c in of_kernel:
            if c not in of_input and c not in of_output:
                raise ValueError(
                    f"Weight dimension '{c}' did not have a match in either the input spec "
                    f"'{of_input}' or the output spec '{of_output}'. For this layer, the weight "
                    "must be fully specified."
                )
        for c in self.bias_axes or "":
            if c not in of_output:
                raise ValueError(
                    f"Bias dimension '{c}' was requested, but is not part of the output spec "
                    f"'{of_output}'"
                )
        return sizes

    def _scaled_for(self, of_kernel: str, of_output: str) -> Any:
        """The initializer with the axes of the kernel that are inputs and outputs."""
        given = self.kernel_initializer
        if not isinstance(given, VarianceScaling) or given.input_axes is not None:
            return given
        axes: dict[str, list[int]] = {"input_axes": [], "output_axes": []}
        for i, c in enumerate(of_kernel):
            axes["output_axes" if c in of_output else "input_axes"].append(i)
        return given.from_config({**given.get_config(), "seed": given.seed, **axes})

    def call(self, inputs: Any) -> Any:
        x = ops.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            x = ops.add(x, self.bias)
        return self.activation(x)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "output_shape": self.partial_output_shape,
            "equation": self.equation,
            "bias_axes": self.bias_axes,
            **serialized(
                self,
                "activation",
                "kernel_initializer",
                "bias_initializer",
                "kernel_regularizer",
                "bias_regularizer",
                "activity_regularizer",
                "kernel_constraint",
                "bias_constraint",
            ),
        }
