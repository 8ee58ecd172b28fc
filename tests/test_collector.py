from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from agent_observability.collector import LabelCache, LiveCollector, Sample
from agent_observability.exposition import Format, write
from agent_observability.metric import Kind, Label, Metric

FREE = Metric("free_bytes", Kind.GAUGE, "Free space", (Label("device"), Label("mountpoint")))
LOAD = Metric("load1", Kind.GAUGE, "Load")


class _Disks(LiveCollector):
    name = "disks"
    metrics = (FREE, LOAD)

    def __init__(self, found: Iterable[tuple[Metric, Sequence[Sample]]]) -> None:
        super().__init__()
        self.found = found

    def read(self) -> Iterable[tuple[Metric, Sequence[Sample]]]:
        return self.found


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], ""),
        ([(FREE, [])], ""),
        ([(LOAD, [((), 0.5)])], "# HELP load1 Load\n# TYPE load1 gauge\nload1 0.5\n"),
        (
            [(FREE, [(("sda", "/"), 10), (("sdb", '/"x"'), 2.5)]), (LOAD, [((), True)])],
            "# HELP free_bytes Free space\n# TYPE free_bytes gauge\n"
            'free_bytes{device="sda",mountpoint="/"} 10\nfree_bytes{device="sdb",mountpoint="/\\"x\\""} 2.5\n'
            "# HELP load1 Load\n# TYPE load1 gauge\nload1 1\n",
        ),
    ],
)
def test_what_is_read_is_exposed(found: list[tuple[Metric, list[Sample]]], expected: str) -> None:
    collector = _Disks(found)
    for _ in range(2):  # the second time from remembered labels
        assert write(collector.collect(), Format.TEXT).decode() == expected


def test_values_change_while_labels_are_remembered() -> None:
    collector = _Disks([(FREE, [(("sda", "/"), 1)])])
    collector.collect()
    collector.found = [(FREE, [(("sdb", "/"), 2), (("sda", "/"), 3)])]
    (family,) = collector.collect()
    assert family.blocks[0].text.decode().splitlines() == [
        'free_bytes{device="sdb",mountpoint="/"} 2',
        'free_bytes{device="sda",mountpoint="/"} 3',
    ]


def test_labels_must_fit_the_family() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        _Disks([(FREE, [(("sda",), 1)])]).collect()


def test_memory_of_series_that_come_and_go_is_bounded() -> None:
    cache = LabelCache()
    for i in range(5000):
        cache.render(FREE, [((f"dm-{i}", "/"), 1)])
        assert len(cache._prefixes[FREE]) <= 4 + 64 + 1
