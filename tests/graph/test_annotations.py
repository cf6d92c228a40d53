"""Updates that travel with a variable."""

import aesara
import aesara.tensor as at

from ladder.graph.annotations import annotate_update, annotated_updates


def test_updates_add_up_and_the_last_wins():
    x, a, b = at.scalar(), aesara.shared(0.0), aesara.shared(0.0)
    one, two, three = (at.constant(float(i)) for i in (1, 2, 3))
    assert annotated_updates(x) == {}
    annotate_update(x, {a: one, b: two})
    annotate_update(x, {b: three})
    assert annotated_updates(x) == {a: one, b: three}
    assert annotated_updates(at.scalar()) == {}


def test_the_givers_dictionary_is_left_alone():
    x, a, b = at.scalar(), aesara.shared(0.0), aesara.shared(0.0)
    first = {a: at.constant(1.0)}
    annotate_update(x, first)
    annotate_update(x, {b: at.constant(2.0)})
    assert list(first) == [a]
