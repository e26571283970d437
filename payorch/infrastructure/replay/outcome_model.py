"""How likely each provider approves each kind of order, learned from first attempts and later ones.

A provider that is tried after another one's decline sees orders that are harder to approve, so its
bare rate slanders it. The model gives every order a readiness of its own, u ~ N(0, sigma), in which
all providers agree:

    log-odds of approval = provider + kind of order + time + provider at that kind + u

Declines of the same order then inform about u, and whatever came after a technical failure, which
says nothing about u, tells how much selection there is. Kinds of orders, times and how a provider
differs from kind to kind are drawn towards their mean in so far as they are thin (partial
pooling). Technical failures, and whether a decline lets the next provider try, are each provider's
own shares.

The fit is a penalised maximum of the likelihood, u integrated out on Gauss-Hermite points.
"""

from dataclasses import dataclass

import numpy as np

from payorch.infrastructure.replay.attempts import Attempts, log_sigmoid, sigmoid
from payorch.infrastructure.replay.layout import Layout
from payorch.infrastructure.replay.traffic import Floats

POINTS = 15
MOST_STEPS = 40
PEER_ROUNDS = 3
_TOLERANCE = 1e-6

SIGMA_CENTER, SIGMA_SPREAD = 0.5, 0.8
"""Of log(sigma), before any data: sigma about 1.6, and between 0.35 and 8 in 95 of 100 cases.

Where nine first attempts of ten are approved, 1.6 means that another provider approves about four
of ten declined orders, and 0.35 that it hardly makes a difference.
"""

PROVIDER_SPREAD, SEGMENT_SPREAD, BLOCK_SPREAD, SHARE_SPREAD = 3.0, 1.0, 1.0, 1.5
PECULIAR_FIRST, PECULIAR_LEAST, PECULIAR_MOST = 0.1, 0.05, 1.0
"""How far a provider differs from kind to kind is learned from the data, within these bounds."""

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(POINTS)
READINESS: Floats = np.asarray(_NODES, dtype=np.float64)
PRIOR: Floats = np.asarray(_WEIGHTS / _WEIGHTS.sum(), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class OutcomeModel:
    """`theta` as `layout` names it; `covariance` is the inverse of the penalised information.

    `base` is the overall log-odds of approval, and `share_bases` those of the three shares.
    """

    layout: Layout
    theta: Floats
    covariance: Floats
    precision: Floats
    base: float
    share_bases: tuple[float, float, float]

    @property
    def sigma(self) -> float:
        return float(np.exp(self.theta[0]))

    def log_odds(self) -> Floats:
        """Of approval at u = 0: providers x segments x blocks."""
        parts = self.layout.split(self.theta)
        return np.asarray(
            self.base
            + parts.provider[:, None, None]
            + parts.segment[None, :, None]
            + parts.block[None, None, :]
            + parts.peculiar[:, :, None]
        )

    def shares(self) -> Floats:
        """3 x providers: technical failures among attempts, unsent among these, and declines
        that let the next one try among declines.
        """
        parts = self.layout.split(self.theta)
        return sigmoid(np.array(self.share_bases)[:, None] + parts.shares)

    def scores(self, attempts: Attempts) -> tuple[Floats, Floats, Floats]:
        """Gradients of each row's log-likelihood: by attempt's log-odds, log sigma, and the
        log-odds of the three shares at each attempt (3 x rows x attempts).
        """
        pieces = _pieces(self, attempts)
        share_scores = attempts.share_residuals(self.shares())
        return pieces.by_log_odds, pieces.by_log_sigma, share_scores


@dataclass(frozen=True, slots=True)
class _Pieces:
    log_likelihood: Floats
    by_log_odds: Floats
    by_log_sigma: Floats
    information: Floats
    information_sigma: Floats
    information_mixed: Floats


def fit(attempts: Attempts, layout: Layout) -> OutcomeModel:
    """Deterministic; without a single attempt it is the prior."""
    approved, decided = attempts.decided_counts()
    technical, unsent, going_on, declined, everything = attempts.share_counts()
    bases = tuple(
        _logit(float(part.sum()), float(whole.sum()))
        for part, whole in ((technical, everything), (unsent, technical), (going_on, declined))
    )
    model = OutcomeModel(
        layout,
        np.zeros(layout.size),
        np.eye(layout.size),
        np.ones(layout.size),
        _logit(approved, decided),
        (bases[0], bases[1], bases[2]),
    )
    spread = PECULIAR_FIRST
    for _ in range(PEER_ROUNDS):
        model = _maximised(_with_precision(model, spread), attempts)
        peculiar = layout.split(model.theta).peculiar
        if not peculiar.size:
            break
        variance = layout.split(np.diag(model.covariance)).peculiar
        spread = float(
            np.clip(np.sqrt((peculiar**2 + variance).mean()), PECULIAR_LEAST, PECULIAR_MOST)
        )
    return model


def _with_precision(model: OutcomeModel, peculiar_spread: float) -> OutcomeModel:
    precision = np.zeros(model.layout.size)
    parts = model.layout.split(precision)
    precision[0] = SIGMA_SPREAD**-2
    parts.provider[:] = PROVIDER_SPREAD**-2
    parts.segment[:] = SEGMENT_SPREAD**-2
    parts.block[:] = BLOCK_SPREAD**-2
    parts.peculiar[:] = peculiar_spread**-2
    parts.shares[:] = SHARE_SPREAD**-2
    return _replaced(model, precision=precision)


def _maximised(model: OutcomeModel, attempts: Attempts) -> OutcomeModel:
    """Newton's method, damped where a step would not help."""
    center = np.zeros(model.layout.size)
    center[0] = SIGMA_CENTER
    damping = 0.0
    value, gradient, information = _penalised(model, attempts, center)
    for _ in range(MOST_STEPS):
        step = _solved(information, gradient, damping)
        candidate = _replaced(model, theta=model.theta + np.clip(step, -2.0, 2.0))
        new_value, new_gradient, new_information = _penalised(candidate, attempts, center)
        if new_value < value - 1e-9:
            damping = max(damping * 10, 1e-3)
            if damping > 1e9:
                break
            continue
        gain, model, damping = new_value - value, candidate, damping / 10
        value, gradient, information = new_value, new_gradient, new_information
        if gain < _TOLERANCE and np.abs(step).max() < 1e-4:
            break
    covariance = np.linalg.inv(_definite(information))
    return _replaced(model, covariance=np.asarray(covariance))


def _penalised(
    model: OutcomeModel, attempts: Attempts, center: Floats
) -> tuple[float, Floats, Floats]:
    """The penalised log-likelihood, its gradient, and the negative of its second derivative."""
    layout = model.layout
    pieces = _pieces(model, attempts)
    n = attempts.n
    off = model.theta - center
    gradient = -model.precision * off
    information = np.diag(model.precision)
    value = float(n @ pieces.log_likelihood) - 0.5 * float(model.precision @ off**2)
    gradient[0] += n @ pieces.by_log_sigma
    information[0, 0] += n @ pieces.information_sigma
    features = layout.features(attempts)
    length = attempts.length
    size = layout.size
    for j in range(length):
        gradient += np.bincount(
            features[:, j].ravel(),
            np.repeat(n * pieces.by_log_odds[:, j], features.shape[2]),
            minlength=size,
        )
        mixed = np.bincount(
            features[:, j].ravel(),
            np.repeat(n * pieces.information_mixed[:, j], features.shape[2]),
            minlength=size,
        )
        information[0] += mixed
        information[:, 0] += mixed
        for other in range(length):
            pairs = features[:, j, :, None] * size + features[:, other, None, :]
            weights = np.repeat(n * pieces.information[:, j, other], features.shape[2] ** 2)
            information += np.bincount(pairs.ravel(), weights, minlength=size * size).reshape(
                size, size
            )
    shares_value = _add_shares(model, attempts, gradient, information)
    return value + shares_value, gradient, information


def _add_shares(
    model: OutcomeModel, attempts: Attempts, gradient: Floats, information: Floats
) -> float:
    technical, unsent, going_on, declined, everything = attempts.share_counts()
    shares = model.shares()
    value = 0.0
    cases = ((technical, everything), (unsent, technical), (going_on, declined))
    for number, (part, whole) in enumerate(cases):
        share = shares[number]
        places = model.layout.share_places(number)
        gradient[places] += part - whole * share
        information[places, places] += whole * share * (1 - share)
        value += float(part @ np.log(share) + (whole - part) @ np.log1p(-share))
    return value


def _pieces(model: OutcomeModel, attempts: Attempts) -> _Pieces:
    """Everything about each row with its readiness integrated out."""
    shift = model.sigma * READINESS
    log_odds = model.log_odds()[attempts.provider, attempts.segment, attempts.block]
    at_points = log_odds[:, :, None] + shift
    chance = sigmoid(at_points)
    decided = attempts.is_decided[:, :, None]
    approved = attempts.is_approved[:, :, None]
    logs = np.where(decided, log_sigmoid(np.where(approved, at_points, -at_points)), 0.0)
    joint = logs.sum(axis=1) + np.log(PRIOR)
    top = joint.max(axis=1, keepdims=True)
    mass = np.exp(joint - top)
    total = mass.sum(axis=1, keepdims=True)
    belief = mass / total
    residual = np.where(decided, approved - chance, 0.0)
    curvature = np.where(decided, chance * (1 - chance), 0.0)
    by_log_odds = np.einsum("kq,kjq->kj", belief, residual)
    along = residual.sum(axis=1) * shift
    by_log_sigma = (belief * along).sum(axis=1)
    information = by_log_odds[:, :, None] * by_log_odds[:, None, :] - np.einsum(
        "kq,kjq,klq->kjl", belief, residual, residual
    )
    diagonal = np.arange(attempts.length)
    information[:, diagonal, diagonal] += np.einsum("kq,kjq->kj", belief, curvature)
    curving = (belief * shift**2 * curvature.sum(axis=1)).sum(axis=1)
    information_sigma = curving - (belief * along**2).sum(axis=1) + by_log_sigma**2 - by_log_sigma
    information_mixed = (
        np.einsum("kq,kjq->kj", belief * shift, curvature)
        - np.einsum("kq,kjq->kj", belief * along, residual)
        + by_log_odds * by_log_sigma[:, None]
    )
    return _Pieces(
        (top + np.log(total))[:, 0],
        by_log_odds,
        by_log_sigma,
        information,
        information_sigma,
        information_mixed,
    )


def _replaced(
    model: OutcomeModel,
    *,
    theta: Floats | None = None,
    covariance: Floats | None = None,
    precision: Floats | None = None,
) -> OutcomeModel:
    return OutcomeModel(
        model.layout,
        model.theta if theta is None else theta,
        model.covariance if covariance is None else covariance,
        model.precision if precision is None else precision,
        model.base,
        model.share_bases,
    )


def _solved(information: Floats, gradient: Floats, damping: float) -> Floats:
    damped = information + damping * np.diag(np.diag(information))
    return np.asarray(np.linalg.solve(_definite(damped), gradient))


def _definite(matrix: Floats) -> Floats:
    """The matrix, lifted where far from the maximum it would point downhill."""
    lift = 0.0
    scale = float(np.abs(np.diag(matrix)).max())
    while True:
        try:
            np.linalg.cholesky(matrix + lift * np.eye(len(matrix)))
        except np.linalg.LinAlgError:
            lift = max(lift * 10, scale * 1e-8)
        else:
            return np.asarray(matrix + lift * np.eye(len(matrix)))


def _logit(part: float, whole: float) -> float:
    """Of a share that is never quite 0 or 1."""
    share = (part + 0.5) / (whole + 1.0)
    return float(np.log(share / (1 - share)))
