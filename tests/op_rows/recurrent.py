"""Rows of recurrent and recurrent_grad, against loops over the steps in float64."""

from collections.abc import Iterator

import numpy as np
from op_table import Case, normal, row

GATES = {"simple": 1, "lstm": 4, "gru": 3}
STATES = {"simple": 1, "lstm": 2, "gru": 1}
KEPT = {"simple": 0, "lstm": 1, "gru": 2}  # sequences that the gradient needs beside the gates
# sequences, steps, units: around the rows of a block and the width of a vector
SIZES = [(1, 1, 1), (3, 4, 5), (7, 2, 16), (13, 3, 17), (50, 2, 33), (2, 0, 4), (0, 3, 4)]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def steps_of(count: int, reverse: bool) -> list[int]:
    return list(range(count))[::-1] if reverse else list(range(count))


def forward(cell: str, masked: bool, zero_output: bool, reverse: bool):
    """The reference of `recurrent` with these attributes."""

    def reference(x, kernel, *rest):
        rest = list(rest)
        bias = rest.pop(0) if cell == "gru" else 0
        h = rest.pop(0)
        c = rest.pop(0) if cell == "lstm" else None
        mask = rest.pop(0) if masked else np.ones(x.shape[:2], bool)
        n, steps, _ = x.shape
        sequence = np.zeros((n, steps, kernel.shape[0]))
        y, h_prev, extra = sequence.copy(), sequence.copy(), sequence.copy()
        gates, last = np.zeros(x.shape), np.zeros(h.shape)
        for t in steps_of(steps, reverse):
            keep, h_prev[:, t] = mask[:, t, None], h
            parts = np.split(x[:, t], GATES[cell], 1)
            product = np.split(h @ kernel + bias, GATES[cell], 1)
            if cell == "simple":
                new = np.tanh(parts[0] + product[0])
                gates[:, t] = new
            elif cell == "lstm":
                i, f, o = (sigmoid(parts[k] + product[k]) for k in (0, 1, 3))
                g = np.tanh(parts[2] + product[2])
                gates[:, t], extra[:, t] = np.concatenate([i, f, g, o], 1), c
                new_c = f * c + i * g
                new, c = o * np.tanh(new_c), np.where(keep, new_c, c)
            else:
                z, r = (sigmoid(parts[k] + product[k]) for k in (0, 1))
                g = np.tanh(parts[2] + r * product[2])
                gates[:, t], extra[:, t] = np.concatenate([z, r, g], 1), product[2]
                new = z * h + (1 - z) * g
            last = np.where(keep, new, 0 if zero_output else last)
            y[:, t], h = last, np.where(keep, new, h)
        states = (h,) if c is None else (h, c)
        return (y, *states, gates, h_prev, *(() if cell == "simple" else (extra,)))

    return reference


def backward(cell: str, masked: bool, zero_output: bool, reverse: bool):
    """The reference of `recurrent_grad`, of which y is everywhere an operand."""

    def reference(kernel, gates, *rest):
        rest = list(rest)
        extra = rest.pop(0) if cell != "simple" else None
        h_prev = rest.pop(0) if cell == "gru" else None
        mask = rest.pop(0) if masked else np.ones(gates.shape[:2], bool)
        dh = rest.pop(0)
        dc = rest.pop(0) if cell == "lstm" else None
        dy = rest.pop(0)
        dx, ds = np.zeros(gates.shape), np.zeros(gates.shape)
        order = steps_of(gates.shape[1], reverse)
        begun = np.logical_or.accumulate(mask[:, order], 1)[:, np.argsort(order)]
        for t in order[::-1]:
            keep = mask[:, t, None]
            shown = keep if zero_output else begun[:, t, None]
            d = dh + np.where(shown, dy[:, t], 0)
            parts = np.split(gates[:, t], GATES[cell], 1)
            direct = 0.0
            if cell == "simple":
                into = own = [d * (1 - parts[0] ** 2)]
            elif cell == "lstm":
                i, f, g, o = parts
                c = extra[:, t]
                new = np.tanh(f * c + i * g)
                inner = dc + d * o * (1 - new**2)
                into = own = [
                    inner * g * i * (1 - i),
                    inner * c * f * (1 - f),
                    inner * i * (1 - g**2),
                    d * new * o * (1 - o),
                ]
                dc = np.where(keep, inner * f, dc)
            else:
                z, r, g = parts
                dz = d * (h_prev[:, t] - g) * z * (1 - z)
                dg = d * (1 - z) * (1 - g**2)
                dr = dg * extra[:, t] * r * (1 - r)
                into, own, direct = [dz, dr, dg], [dz, dr, dg * r], d * z
            dx[:, t] = np.where(keep, np.concatenate(into, 1), 0)
            ds[:, t] = np.where(keep, np.concatenate(own, 1), 0)
            dh = np.where(keep, direct, d) + ds[:, t] @ kernel.T
        results = (dx, ds, dh) if cell == "gru" else (dx, dh)
        return results if dc is None else (*results, dc)

    return reference


def variants(rng: np.random.Generator) -> Iterator[tuple[dict, tuple[int, int, int], list]]:
    """(attributes, sizes, mask or nothing)"""
    for cell in GATES:
        for number, sizes in enumerate(SIZES):
            for masked in (False, True):
                attrs = {
                    "cell": cell,
                    "masked": masked,
                    "zero_output": masked and number % 2 == 1,
                    "reverse": (number + masked) % 3 == 1,
                }
                mask = rng.random(sizes[:2]) < 0.6
                mask[-1:] = False  # a sequence without a step that counts
                yield attrs, sizes, [mask] if masked else []


@row("recurrent")
def recurrent_row(rng: np.random.Generator) -> Iterator[Case]:
    for attrs, (n, steps, units), mask in variants(rng):
        cell = attrs["cell"]
        columns = GATES[cell] * units
        inputs = [normal(rng, n, steps, columns), normal(rng, units, columns) / units**0.5]
        inputs += [normal(rng, columns)] if cell == "gru" else []
        inputs += [normal(rng, n, units) for _ in range(STATES[cell])]
        yield Case(
            "recurrent",
            [*inputs, *mask],
            forward(**attrs),
            attrs,
            wrt=list(range(len(inputs))),
            through=range(1 + STATES[cell]),
            atol=3e-6,
        )


@row("recurrent_grad")
def recurrent_grad_row(rng: np.random.Generator) -> Iterator[Case]:
    for attrs, (n, steps, units), mask in variants(rng):
        cell = attrs["cell"]
        columns = GATES[cell] * units
        gates = sigmoid(normal(rng, n, steps, columns)).astype(np.float32)
        inputs = [normal(rng, units, columns) / units**0.5, gates]
        inputs += [normal(rng, n, steps, units) for _ in range(KEPT[cell])]
        inputs += mask
        inputs += [normal(rng, n, units) for _ in range(STATES[cell])]
        inputs.append(normal(rng, n, steps, units))
        yield Case("recurrent_grad", inputs, backward(**attrs), attrs, atol=3e-6)
