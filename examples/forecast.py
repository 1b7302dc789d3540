"""Forecasts a day of electricity demand, hour by hour: a GRU reads the week before.

    python examples/forecast.py [--output out] [--seed 0]

The demand is made up: it follows the hour, the weekday and a temperature that drifts from day to
day, with some noise. `timeseries_dataset_from_array` cuts it into windows of 72 hours; the model
is trained on the first 300 days and forecasts the 60 that follow. Its mean error is half of that
of the usual rule, "as at the same hour a week ago". Draws forecast.png.
"""

import numpy as np
from matplotlib.figure import Figure

import nnseq as keras
from common import run
from nnseq import layers

PAST, AHEAD, DAYS = 72, 24, 360


def write_series(random):
    """Returns the demand in each hour (hours,), in units of its usual size."""
    hours = np.arange(24 * DAYS)
    hour, day = hours % 24, hours // 24
    drift = np.zeros(DAYS)
    for today in range(1, DAYS):
        drift[today] = 0.8 * drift[today - 1] + random.normal(0, 0.12)
    daily = 0.35 * np.sin(2 * np.pi * (hour - 8) / 24) + 0.15 * np.sin(4 * np.pi * (hour - 6) / 24)
    weekend = np.where(day % 7 >= 5, -0.35, 0.0)
    smooth = np.interp(hours, 24 * np.arange(DAYS), drift)
    return (
        1 + daily * (1 + weekend) + weekend + smooth + random.normal(0, 0.03, hours.shape)
    ).astype("f4")


def features(series):
    """Returns (hours, 6): demand, and the time of the day and of the week as points of circles."""
    hours = np.arange(len(series))
    angles = [2 * np.pi * hours / 24, 2 * np.pi * hours / (24 * 7)]
    circles = [f(angle) for angle in angles for f in (np.sin, np.cos)]
    return np.stack([series - 1, *circles, hours // 24 % 7 >= 5], axis=1).astype("float32")


def build_model():
    """Returns a compiled model (N, PAST, 6) -> (N, AHEAD) demands minus 1."""
    model = keras.Sequential(
        [
            keras.Input((PAST, 6)),
            layers.GRU(32),
            layers.Dense(64, activation="relu"),
            layers.Dense(AHEAD),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(5e-3), loss="mean_absolute_error")
    return model


def windows(series, first_day, last_day, stride, shuffle=False):
    """Returns a data set of (features of PAST hours, the AHEAD demands after them)."""
    begin, end = 24 * first_day, 24 * last_day
    following = np.lib.stride_tricks.sliding_window_view(series - 1, AHEAD)
    return keras.utils.timeseries_dataset_from_array(
        features(series)[begin:end],
        following[begin + PAST : end],
        sequence_length=PAST,
        sequence_stride=stride,
        batch_size=32,
        shuffle=shuffle,
    )


def main(output, seed=0):
    keras.utils.set_random_seed(seed)
    series = write_series(np.random.default_rng(seed))
    model = build_model()
    model.fit(windows(series, 0, 299, stride=3, shuffle=True), epochs=8, verbose=2)

    test = windows(series, 298, DAYS - 1, stride=24)
    error = model.evaluate(test, verbose=0)
    hours = np.arange(24 * 301, 24 * (DAYS - 1))
    rule = np.mean(np.abs(series[hours] - series[hours - 24 * 7]))
    print(f"mean error of the forecasts {error:.3f}, of the rule {rule:.3f}")

    forecasts = 1 + model.predict(test, verbose=0)[:14].ravel()
    days = np.arange(len(forecasts)) / 24
    figure = Figure(figsize=(10, 3.5), layout="constrained")
    axis = figure.subplots()
    axis.plot(days, series[24 * 301 :][: len(days)], color="black", linewidth=1, label="demand")
    axis.plot(days, forecasts, color="tab:red", linewidth=1.5, label="forecast at midnight")
    axis.set(xlabel="day", ylabel="demand", xlim=(0, 14))
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(output / "forecast.png", dpi=100)
    return {"error": error, "part_of_the_rule": error / rule}


if __name__ == "__main__":
    run(main, __doc__)
