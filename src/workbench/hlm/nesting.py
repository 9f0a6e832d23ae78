"""Whether one mixed model contains another, and what it adds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.errors import BadParameter
from workbench.hlm.design import Design, Factor, Floats
from workbench.hlm.formula import parse
from workbench.hlm.result import MixedModel

ALIKE = 1e-7  # of a column's length


@dataclass(frozen=True)
class Change:
    """What a larger model adds, in words, and the distribution of the likelihood ratio where it adds nothing:
    pairs of share and degrees of freedom, empty where it is not known, for the reason in `advice`."""

    words: str
    mixture: tuple[tuple[float, int], ...]
    advice: str = ""
    rows: str = ""


@dataclass(frozen=True)
class Block:
    """Correlated random effects of a group: their names, and their columns (n × q) where the rows are there."""

    group: str
    names: tuple[str, ...]
    columns: Floats | None

    def __str__(self) -> str:
        return f"({' + '.join(self.names)} | {self.group})"

    def contains(self, other: Block) -> bool:
        return self.group == other.group and spans(self.columns, self.names, other.columns, other.names)


def spans(large: Floats | None, names: tuple[str, ...], small: Floats | None, others: tuple[str, ...]) -> bool:
    """Whether all columns of `small` are combinations of those of `large`; without rows, told from their names."""
    if set(others) <= set(names):
        return True
    if large is None or small is None or not large.shape[1]:
        return False
    scaled = small / np.linalg.norm(small, axis=0)
    fit, *_ = np.linalg.lstsq(large, scaled, rcond=None)
    return bool(np.abs(scaled - large @ fit).max() < ALIKE)


def design_of(model: MixedModel) -> Design | None:
    """The rows of a model, where it has them."""
    design: Design | None = getattr(model.fitted, "design", None)
    return design


def check_same_rows(smaller: MixedModel, larger: MixedModel) -> None:
    """Raise BadParameter for models of different outcomes, rows, weights or families."""
    small, large = (parse(model.formula).response for model in (smaller, larger))
    if small != large or smaller.family != larger.family:
        raise BadParameter(
            f"The models have different outcomes, {small} ({smaller.family}) and {large} ({larger.family}); "
            "only models of one outcome can be compared."
        )
    if smaller.n_obs != larger.n_obs:
        raise BadParameter(
            f"The models were fitted to different rows: {smaller.n_obs} ({smaller.n_dropped} dropped for missing "
            f"values) and {larger.n_obs} ({larger.n_dropped} dropped). Drop the incomplete rows before fitting both."
        )
    one, other = design_of(smaller), design_of(larger)
    if one is None or other is None:
        return
    if not np.array_equal(one.y, other.y) or not _same_weights(one, other):
        raise BadParameter(
            "The models were fitted to different rows, in a different order, or with different weights. Fit both to "
            "the same table."
        )


def _same_weights(one: Design, other: Design) -> bool:
    left, right = (np.ones(design.n) if design.weights is None else design.weights for design in (one, other))
    return bool(np.array_equal(left, right))


def change_between(smaller: MixedModel, larger: MixedModel) -> Change:
    """Tell what `larger` adds; raises BadParameter where it does not contain `smaller` or adds nothing."""
    fixed = _fixed_added(smaller, larger)
    homes = _homes(smaller, larger)
    grown = [(block, inside) for block, inside in homes if sum(len(b.names) for b in inside) < len(block.names)]
    joined = [(block, inside) for block, inside in homes if len(inside) > 1 and (block, inside) not in grown]
    rows = "" if design_of(smaller) and design_of(larger) else "Of the rows only the number could be compared."
    if not fixed and not grown and not joined:
        raise BadParameter(f"{smaller.formula!r} and {larger.formula!r} are the same model; there is nothing to test.")
    words = _told(fixed, grown, joined)
    if not grown and not joined:
        return Change(words, ((1.0, fixed),), rows=rows)
    if fixed or (grown and joined) or len(grown) > 1:
        return Change(words, (), "For several changes at once the distribution is not known.", rows)
    if smaller.singular:
        advice = "The smaller model is singular, and the known distributions hold inside the possible values only."
        return Change(words, (), advice, rows)
    if joined:
        return Change(words, ((1.0, larger.n_parameters - smaller.n_parameters),), rows=rows)
    block, inside = grown[0]
    q = sum(len(b.names) for b in inside)
    if len(inside) > 1 or len(block.names) > q + 1:
        return Change(words, (), "For several variances at once the distribution is not known.", rows)
    return Change(words, ((0.5, q), (0.5, q + 1)), rows=rows)


def _fixed_added(smaller: MixedModel, larger: MixedModel) -> int:
    one, other = design_of(smaller), design_of(larger)
    small, large = (None if d is None else d.X for d in (one, other))
    if not spans(large, larger.columns, small, smaller.columns):
        lost = sorted(set(smaller.columns) - set(larger.columns))
        raise BadParameter(
            f"The models are not nested: {larger.formula!r} does not contain the fixed effects of {smaller.formula!r} "
            f"({', '.join(lost)}). The smaller model goes first."
        )
    return len(larger.columns) - len(smaller.columns)


def _homes(smaller: MixedModel, larger: MixedModel) -> list[tuple[Block, list[Block]]]:
    """Each block of the larger model with the blocks of the smaller one that it contains."""
    homes: list[tuple[Block, list[Block]]] = [(block, []) for block in _blocks(larger)]
    for small in sorted(_blocks(smaller), key=lambda block: -len(block.names)):
        able = [
            (len(block.names), k) for k, (block, inside) in enumerate(homes)
            if block.contains(small) and sum(len(b.names) for b in inside) + len(small.names) <= len(block.names)
        ]  # fmt: skip
        if not able:
            raise BadParameter(
                f"The models are not nested: {larger.formula!r} does not contain the random effects {small} of "
                f"{smaller.formula!r}. The smaller model goes first."
            )
        homes[min(able)[1]][1].append(small)
    return homes


def _blocks(model: MixedModel) -> list[Block]:
    """The covariance blocks of a model, in its order."""
    design = design_of(model)
    factors: tuple[Factor, ...] = (design or model.fitted).factors  # type: ignore[union-attr]
    columns = design.Z if design else (None,) * len(factors)
    return [
        Block(factor.name, factor.columns[block], None if Z is None else Z[:, block])
        for factor, Z in zip(factors, columns, strict=True) for block in factor.blocks
    ]  # fmt: skip


def _told(fixed: int, grown: list[tuple[Block, list[Block]]], joined: list[tuple[Block, list[Block]]]) -> str:
    said = []
    if fixed:
        said.append("a fixed effect" if fixed == 1 else f"{fixed} fixed effects")
    for block, inside in grown:
        new = [name for name in block.names if not any(name in other.names for other in inside)]
        beside = [name for name in block.names if name not in new]
        correlated = f", correlated with {' and '.join(beside)}" if beside else ""
        said.append(f"variance of {' and '.join(new or block.names)} between levels of {block.group}{correlated}")
    for block, _ in joined:
        said.append(f"the covariances of {' and '.join(block.names)} between levels of {block.group}")
    return "The larger model adds " + ", and ".join(said)
