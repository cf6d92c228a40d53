"""Which runs may share a mean."""

from types import SimpleNamespace

from ladder.tables.comparable import have_same_data, one_of_each_seed


def run(seed, train="a", test="t", is_record=False):
    return SimpleNamespace(seed=seed, splits={"train": train, "test": test}, is_record=is_record)


def test_one_run_of_each_seed_counts_in_order_of_the_seeds():
    third, first, again = run(3), run(1), run(3)
    assert one_of_each_seed([third, first, again]) == ({1: first, 3: third}, [(again, third)])
    assert list(one_of_each_seed([third, first])[0]) == [1, 3]


def test_a_record_counts_where_no_run_of_its_seed_does():
    record, other, ours = run(1, is_record=True), run(2, is_record=True), run(1)
    chosen, left_out = one_of_each_seed([record, other, ours])
    assert chosen == {1: ours, 2: other} and left_out == [(record, ours)]


def test_runs_on_other_data_are_left_out_and_the_run_that_they_differ_from_is_named():
    first, changed, last = run(1), run(2, train="b"), run(3)
    assert one_of_each_seed([first, changed, last]) == ({1: first, 3: last}, [(changed, first)])


def test_data_differ_in_a_split_that_both_have():
    older = SimpleNamespace(seed=1, splits={}, is_record=False)
    without_test = SimpleNamespace(seed=2, splits={"train": "a"}, is_record=False)
    assert have_same_data(older, run(2)) and have_same_data(run(2), without_test)
    assert not have_same_data(run(1), run(2, test="u")) and not have_same_data(run(1, train="b"), without_test)
