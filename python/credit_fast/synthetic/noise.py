"""The background of a channel: microseism, drift and high-frequency noise. No events, no files."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from credit_fast.synthetic.model import SyntheticStation
from credit_fast.synthetic.source import stream

__all__ = ["background"]

Samples = npt.NDArray[np.float32]

# The slow part is made on a grid of 2 Hz and interpolated; it has nothing above 0.5 Hz.
SLOW_HZ = 2
_BLEND_S = 600
_PIECE_S = 600
_BLOCK_S = 86400 + 2 * _BLEND_S
MICROSEISM_COUNTS = 110.0


def background(
    station: SyntheticStation,
    component: int,
    day: int,
    first_s: int,
    npts: int,
    rate_hz: int,
    seed: int,
) -> Iterator[tuple[int, Samples]]:
    """Noise of one channel in counts, block by block: (number of the first sample, samples).

    Blocks of ten minutes stay in the processor's cache, which makes this three times faster than
    whole days. A block is good only until the next one is asked for: all share one buffer.

    Parameters
    ----------
    station, component, seed
        Whose noise; component 0, 1, 2.
    day
        Days since 1970: one random stream for each.
    first_s
        Whole seconds from midnight to the first sample.
    npts, rate_hz
        How many samples; the rate is a whole and even number.
    """
    if rate_hz % SLOW_HZ:
        raise ValueError(f"rate {rate_hz} Hz: expected a multiple of {SLOW_HZ} Hz")
    step = rate_hz // SLOW_HZ
    slow = _slow_noise(station, component, day, seed)[first_s * SLOW_HZ :]
    scale = np.float32(station.noise_counts / np.sqrt(2.0))
    weights = _cubic_weights(step)
    size = min(npts, _PIECE_S * rate_hz)
    white = np.empty(size + 1, dtype=np.float32)
    noise = np.empty(size, dtype=np.float32)
    scratch = np.empty(size, dtype=np.float32)
    rng = stream(seed, 5, station.index, component, day)
    white[0] = rng.standard_normal(dtype=np.float32)
    for first in range(0, npts, size):
        count = min(size, npts - first)
        rng.standard_normal(dtype=np.float32, out=white[1 : count + 1])
        # Sum of neighbours: nothing at the Nyquist frequency, as behind an anti-alias filter.
        block = np.add(white[1 : count + 1], white[:count], out=noise[:count])
        block *= scale
        _add_interpolated(block, slow[first // step :], weights, scratch)
        white[0] = white[count]
        yield first, block


def _slow_noise(station: SyntheticStation, component: int, day: int, seed: int) -> Samples:
    """Knots at 2 Hz from 1/2 s before midnight to a little after the next, smooth over both.

    Each day has its own block, longer than the day; neighbouring blocks are blended over ten
    minutes on either side of midnight with weights whose squares add up to 1.
    """
    margin = _BLEND_S * SLOW_HZ
    blocks = [_slow_block(station, component, day + shift, seed) for shift in (-1, 0, 1)]
    weight = np.sin(np.linspace(0, np.pi / 2, 2 * margin, dtype=np.float32))
    knots = blocks[1].copy()
    knots[: 2 * margin] = weight * knots[: 2 * margin] + weight[::-1] * blocks[0][-2 * margin :]
    knots[-2 * margin :] = weight[::-1] * knots[-2 * margin :] + weight * blocks[2][: 2 * margin]
    whole: Samples = knots[margin - 1 : knots.size - margin + 4]
    return whole


def _slow_block(station: SyntheticStation, component: int, day: int, seed: int) -> Samples:
    """Microseism around 0.2 Hz on top of a drift that grows towards long periods."""
    rng = stream(seed, 6, station.index, component, day)
    size = _BLOCK_S * SLOW_HZ
    frequency = np.fft.rfftfreq(size, 1 / SLOW_HZ)
    frequency[0] = frequency[1]
    shape = np.exp(-0.5 * (np.log(frequency / 0.2) / 0.3) ** 2)
    shape += 0.05 * np.sqrt(0.2 / frequency) * (frequency > 1 / 600) * (frequency < 0.5)
    spectrum = shape * np.exp(2j * np.pi * rng.random(shape.size))
    noise = np.fft.irfft(spectrum, size)
    noise *= MICROSEISM_COUNTS / np.sqrt(np.mean(np.square(noise)))
    return noise.astype(np.float32)


def _cubic_weights(step: int) -> Samples:
    """Catmull-Rom weights of four knots for `step` samples between the middle two, (4, step)."""
    u = np.arange(step, dtype=np.float32) / np.float32(step)
    weights = (
        -0.5 * u + u**2 - 0.5 * u**3,
        1 - 2.5 * u**2 + 1.5 * u**3,
        0.5 * u + 2 * u**2 - 1.5 * u**3,
        -0.5 * u**2 + 0.5 * u**3,
    )
    return np.array(weights, dtype=np.float32)


def _add_interpolated(samples: Samples, knots: Samples, weights: Samples, scratch: Samples) -> None:
    """Add the cubic through the knots; knots[1] is at the first sample.

    Element by element on purpose: a matrix product would leave the order of the sums, and so
    the last bit, to the library of the machine.
    """
    step = weights.shape[1]
    whole = samples.size // step
    grid = samples[: whole * step].reshape(whole, step)
    product = scratch[: whole * step].reshape(whole, step)
    rest = samples[whole * step :]
    for shift, weight in enumerate(weights):
        grid += np.multiply(knots[shift : shift + whole, None], weight, out=product)
        rest += knots[whole + shift] * weight[: rest.size]
