"""How much a container used to ask, and whether it asks far more now."""

from __future__ import annotations

from array import array

__all__ = ["BUCKET_SECONDS", "FLOOR", "HORIZON_SECONDS", "Baseline"]

BUCKET_SECONDS = 300.0
HORIZON_SECONDS = 12 * 3600.0
"""How far back a container's past goes."""

_HORIZON = round(HORIZON_SECONDS / BUCKET_SECONDS)
# Buckets without a request say nothing of how much a container asks when it does, so that they are not kept.
_KEPT = 36
# With fewer than this nothing is known of its past.
_ENOUGH = 6
FLOOR = 15
"""Requests of a bucket. Whoever asks less is nobody's outlier, however quiet its past."""
# This much above what is usual a bucket is learned from; what is beyond that might be an attack that goes on until it
# is usual.
_LEARNED = 2.0
_LEARNED_ALWAYS = 8
# A record this late is none of the past's business; one later than that says that the clock was set back.
_LATE = 6
# Of a normal distribution the standard deviation is so many times the median deviation.
_DEVIATION = 1.4826
# An outlier is above the limit for this much longer than a bucket: a few minutes of zeal are none.
_LASTING = 1.5
# What is usual is looked at again after so many buckets.
_AGE = 4
_COUNT_BITS = 16
_COUNT_MAX = (1 << _COUNT_BITS) - 1


class Baseline:
    """Requests by bucket of five minutes: `count` of the `bucket` that runs from `begin` until before `end`, `before`
    of the one before it.

    `history` has those before them: number of the bucket, and its count in the low 16 bits. `usual` is what it says of
    how much the container asks at most, 0.0 while that is too little; it is `age` buckets old. A `count` that is not
    above `alarm` is no outlier.
    """

    __slots__ = ("age", "alarm", "before", "begin", "bucket", "count", "end", "history", "usual")

    def __init__(
        self,
        bucket: int,
        *,
        count: int = 0,
        before: int = 0,
        history: array[int] | None = None,
        usual: float = 0.0,
        age: int = 0,
    ) -> None:
        self._run(bucket)
        self.count = count
        self.before = before
        self.history = array("q") if history is None else history
        self.usual = usual
        self.age = age
        self.alarm: float = FLOOR

    def turn(self, bucket: int) -> bool:
        """A record of another bucket than the one that runs: whether that one runs now. Else the record is late."""
        behind = self.bucket - bucket
        if behind == -1:
            # As it goes nearly always.
            self._learn(self.bucket - 1, self.before)
            self.before = self.count
        elif behind <= 0:
            self._learn(self.bucket - 1, self.before)
            self._learn(self.bucket, self.count)
            self.before = 0
        elif 0 < behind <= _LATE:
            if behind == 1:
                self.before += 1
                self.alarm = FLOOR
            return False
        else:
            self.history = array("q", [entry for entry in self.history if entry >> _COUNT_BITS < bucket])
            self.before = 0
        self._run(bucket)
        self.count = 0
        self.alarm = FLOOR
        return True

    def _run(self, bucket: int) -> None:
        self.bucket = bucket
        self.begin = bucket * BUCKET_SECONDS
        self.end = self.begin + BUCKET_SECONDS

    def outlying(self, factor: float) -> bool:
        """Whether there were far more requests in the running bucket than there used to be, and not only just now.

        To be asked when `alarm` is passed. `factor` is of what is usual, 0 for never.
        """
        usual = self._look()
        unusual = max(FLOOR, factor * usual) if usual and factor else float("inf")
        self.alarm = max(unusual, _LASTING * unusual - self.before)
        return self.count > self.alarm

    def _look(self) -> float:
        """What is usual: the median of the buckets with any requests, and as much as they are usually off."""
        if not self.usual or self.age >= _AGE:
            oldest = (self.bucket - _HORIZON) << _COUNT_BITS
            counts = sorted([entry & _COUNT_MAX for entry in self.history if entry >= oldest])
            self.age = 0
            self.usual = 0.0
            if len(counts) >= _ENOUGH:
                middle = len(counts) // 2
                median = counts[middle]
                self.usual = median + _DEVIATION * sorted([abs(count - median) for count in counts])[middle]
        return self.usual

    def _learn(self, bucket: int, count: int) -> None:
        if not count:
            return
        # What was usual is not looked at where it would be neither new nor passed.
        if count > _LEARNED_ALWAYS and (self.age >= _AGE or count > _LEARNED * self.usual):
            usual = self._look()
            if usual:
                count = min(count, max(round(_LEARNED * usual), _LEARNED_ALWAYS))
        if len(self.history) >= _KEPT:
            del self.history[0]
        self.history.append(bucket << _COUNT_BITS | min(count, _COUNT_MAX))
        self.age += 1
