"""Layers on the first version of some samples, while their histories go on."""

from collections import Counter

from demo.samples import open_samples
from tests.database.conftest import one_kind
from tests.layers import play_history

pytestmark = one_kind


def test_a_layer_applies_or_says_what_does_not_at_every_later_version(people):
    (ann,) = people("ann")
    states: Counter[str] = Counter()

    for seed, history in enumerate(open_samples(8).histories):
        states += play_history(ann, history, seed)

    assert states.keys() == {"applied", "stale", "conflict"}, states
