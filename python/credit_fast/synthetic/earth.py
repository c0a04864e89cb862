"""Travel times of Pg, Sg, Pn and Sn in a crust of flat layers. No waveforms, no files, no chance.

For a ray parameter p (s/km), legs of thickness h_i and slowness u_i = 1/v_i, each leg counted as
often as the ray crosses it:

    X(p) = sum h_i p / sqrt(u_i^2 - p^2)        T(p) = p X + sum h_i sqrt(u_i^2 - p^2)

(P. M. Shearer, Introduction to Seismology, 2nd ed. 2009, section 4.3: layer-cake model and the
intercept time tau). The direct wave Pg/Sg goes up from the source; its p is the root of
X(p) = distance. The head wave Pn/Sn goes down to the Moho, along it with the velocity of the
mantle and up again: p = u_mantle, and its time is linear in the distance beyond the critical
distance X(u_mantle).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["CRUST", "Crust", "travel_times"]

_BISECTIONS = 60


@dataclass(frozen=True, slots=True)
class Crust:
    """Flat layers over a mantle half-space.

    Parameters
    ----------
    thickness_km
        Of each crustal layer, from the surface down; the last one ends at the Moho.
    vp_km_s
        P velocity of each crustal layer and, last, of the mantle: one more than the layers,
        growing downward.
    vp_vs
        Ratio of P to S velocity, the same everywhere.
    """

    thickness_km: tuple[float, ...]
    vp_km_s: tuple[float, ...]
    vp_vs: float = 1.73

    def __post_init__(self) -> None:
        """Refuse layers and velocities that do not fit together."""
        if len(self.vp_km_s) != len(self.thickness_km) + 1:
            raise ValueError(
                f"{len(self.thickness_km)} layers need {len(self.thickness_km) + 1} velocities "
                f"(the last is the mantle's), got {len(self.vp_km_s)}"
            )
        if any(upper >= lower for upper, lower in pairwise(self.vp_km_s)):
            raise ValueError(f"velocities must grow downward, got {self.vp_km_s}")

    @property
    def moho_km(self) -> float:
        """Depth of the Moho in km."""
        return sum(self.thickness_km)


# Rounded values in the range published for western Yunnan (crust of about 40 to 45 km, upper
# crust near 6 km/s, Pn near 7.9 km/s); a teaching model, not a result about the region.
CRUST = Crust(thickness_km=(20.0, 22.0), vp_km_s=(6.0, 6.5, 7.9))


def travel_times(distance_km: float, depth_km: float, crust: Crust = CRUST) -> dict[str, float]:
    """Travel time in seconds of each phase that a picker would see, keyed Pg, Sg, Pn, Sn.

    Pg and Sg are always there. Pn and Sn are there only beyond the crossover distance, where
    they come before Pg and Sg (and so beyond the critical distance too): nearer they hide in the
    direct wave. Head waves along boundaries inside the crust are left out. The station lies at
    the surface of the model: its elevation is not used.

    Raises
    ------
    ValueError
        When the distance is negative or the source is not inside the crust.
    """
    if distance_km < 0:
        raise ValueError(f"distance {distance_km} km: expected 0 or more")
    if not 0 <= depth_km < crust.moho_km:
        raise ValueError(f"depth {depth_km} km: expected 0 to {crust.moho_km} km (the Moho)")
    times: dict[str, float] = {}
    for direct, head, ratio in (("Pg", "Pn", 1.0), ("Sg", "Sn", crust.vp_vs)):
        slowness = [ratio / v for v in crust.vp_km_s]
        times[direct] = _direct_time(distance_km, _legs_above(depth_km, crust, slowness))
        refracted = _head_time(distance_km, depth_km, crust, slowness)
        if refracted is not None and refracted < times[direct]:
            times[head] = refracted
    return times


def _legs_above(depth_km: float, crust: Crust, slowness: list[float]) -> list[tuple[float, float]]:
    """(thickness, slowness) of every piece of layer between the surface and the source."""
    legs: list[tuple[float, float]] = []
    top = 0.0
    for thickness, u in zip(crust.thickness_km, slowness, strict=False):
        if depth_km <= top:
            break
        legs.append((min(thickness, depth_km - top), u))
        top += thickness
    return legs or [(0.0, slowness[0])]


def _range_and_time(p: float, legs: list[tuple[float, float]]) -> tuple[float, float]:
    """X(p) in km and T(p) in s along the legs."""
    x = sum(h * p / math.sqrt(u * u - p * p) for h, u in legs)
    tau = sum(h * math.sqrt(u * u - p * p) for h, u in legs)
    return x, p * x + tau


def _direct_time(distance_km: float, legs: list[tuple[float, float]]) -> float:
    """Time of the upgoing ray: bisection for p, since X grows with p without bound."""
    smallest = min(u for _, u in legs)
    if sum(h for h, _ in legs) == 0.0:
        return distance_km * smallest
    # Written as p = u sin(angle) with the tangent as unknown, so that the grazing rays of shallow
    # sources at large distances do not crowd into the last digits of p.
    low, high = 0.0, 1.0
    while _range_and_time(_p_of_tangent(high, smallest), legs)[0] < distance_km:
        low, high = high, high * 2.0
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if _range_and_time(_p_of_tangent(middle, smallest), legs)[0] < distance_km:
            low = middle
        else:
            high = middle
    p = _p_of_tangent(0.5 * (low + high), smallest)
    x, time = _range_and_time(p, legs)
    # First order in the rest of the distance: dT/dX = p.
    return time + p * (distance_km - x)


def _p_of_tangent(tangent: float, slowness: float) -> float:
    return slowness * tangent / math.sqrt(1.0 + tangent * tangent)


def _head_time(
    distance_km: float, depth_km: float, crust: Crust, slowness: list[float]
) -> float | None:
    """Time along the Moho, or None nearer than the critical distance."""
    p = slowness[-1]
    up = list(zip(crust.thickness_km, slowness, strict=False))
    above = _legs_above(depth_km, crust, slowness)
    # The downgoing part crosses what the upgoing part crosses, less what lies above the source.
    x_up, t_up = _range_and_time(p, up)
    x_above, t_above = _range_and_time(p, above)
    critical_km = 2 * x_up - x_above
    if distance_km < critical_km:
        return None
    return 2 * t_up - t_above + p * (distance_km - critical_km)
