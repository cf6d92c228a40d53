"""The memory budget: a fraction of what is available, or what the user sets."""

import os
import resource

import pytest

from ladder import budget, control_groups
from ladder.backends import choice
from ladder.errors import UserError
from ladder.network_size import check_memory
from ladder.options import Options


def test_what_is_too_large_is_refused_by_name(monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, "1.5")
    budget.ask(1.5e9, "this")
    with pytest.raises(UserError) as caught:
        budget.ask(4e12, "the array in it", "save less")
    assert str(caught.value) == (
        "the array in it would need 4,000 GB of memory, and no more than 1.5 GB may be taken at once: save less, or set "
        "another limit, in GB, with the environment variable LADDER_MEMORY."
    )


def test_it_is_half_of_what_this_process_may_have(monkeypatch):
    monkeypatch.delenv(budget.VARIABLE, raising=False)
    free = budget.limit()
    monkeypatch.setattr(resource, "getrlimit", lambda which: (10**6, 10**6))
    assert budget.limit() == 500_000 < free


MAX = {"memory.max": "max\n"}


def groups(folder, own, limits):
    """Write made-up control groups: what /proc says about this process, and the groups' files."""
    (folder / "own").write_bytes(own.encode(errors="surrogateescape"))
    for path, content in limits.items():
        path = folder / "groups" / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


@pytest.mark.parametrize(
    "own, limits",
    [
        ("0::/slurm/job_1/step_0\n", {"slurm/job_1/step_0/memory.max": "4000\n", **MAX}),
        (
            "0::/slurm/job_1/step_0\n",
            {"slurm/job_1/step_0/memory.max": "9000", "slurm/job_1/memory.max": "4000", **MAX},
        ),
        ("0::/slurm/job_1\n", {"slurm/job_1/memory.max": "max", "slurm/memory.max": "4000", **MAX}),
        ("0::/not/mounted\n", {"memory.max": "4000"}),
        ("0::/../other\n", {"memory.max": "4000", "../other/memory.max": "9"}),
        (
            "4:cpuset,memory:/slurm/job_1\n0::/\n",
            {"memory/slurm/job_1/memory.limit_in_bytes": "4000", "memory/memory.limit_in_bytes": str(2**63 - 4096)},
        ),
        (
            "5:cpu:/slurm/job_1\n4:memory:/slurm/job_1/step_0\n",
            {"memory/slurm/memory.limit_in_bytes": "4000", "slurm/job_1/memory.max": "9"},
        ),
        ("4:memory:/not/mounted\n", {"memory/memory.limit_in_bytes": "4000"}),
        ("", {"memory.max": "4000", "memory/memory.limit_in_bytes": "9000"}),
        ("odd\n:\n0:\n0::\n0::a\0b\n\udc80::/x\n4:memory\n0::" + 3000 * "/a", {"memory.max": "4000"}),
        ("0::/a\n", {"a/memory.max": "much", "memory.max": "4000"}),
    ],
)
def test_the_least_limit_of_a_control_group_counts(own, limits, tmp_path, monkeypatch):
    monkeypatch.delenv(budget.VARIABLE, raising=False)
    groups(tmp_path, own, limits)
    monkeypatch.setattr(control_groups, "OWN", str(tmp_path / "own"))
    monkeypatch.setattr(control_groups, "MOUNTED", str(tmp_path / "groups"))
    assert budget.limit() == 2000


def test_without_control_groups_it_is_the_machines(tmp_path, monkeypatch):
    monkeypatch.delenv(budget.VARIABLE, raising=False)
    for name in ("OWN", "MOUNTED"):
        monkeypatch.setattr(control_groups, name, str(tmp_path / "absent"))
    assert budget.limit() > 2**20


@pytest.mark.parametrize(
    "own, limits, cores",
    [
        ("0::/docker\n", {"docker/cpu.max": "150000 100000\n", "cpu.max": "max 100000\n"}, 2),
        ("0::/slurm/job_1\n", {"slurm/job_1/cpu.max": "800000 100000", "slurm/cpu.max": "300000 100000"}, 3),
        (
            "5:cpu,cpuacct:/docker\n4:memory:/docker\n",
            {"cpu/docker/cpu.cfs_quota_us": "50000\n", "cpu/docker/cpu.cfs_period_us": "100000\n"},
            1,
        ),
        ("5:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 7),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 7),
        ("", {"cpu.max": "much"}, 7),
    ],
)
def test_cores_of_a_container_or_a_job(own, limits, cores, tmp_path, monkeypatch):
    groups(tmp_path, own, limits)
    monkeypatch.setattr(control_groups, "OWN", str(tmp_path / "own"))
    monkeypatch.setattr(control_groups, "MOUNTED", str(tmp_path / "groups"))
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(7)), raising=False)
    assert choice.cores() == cores
    for asked, threads in {
        "": cores,
        "3": 3,
        "100000": choice.MOST_THREADS,
        "\u00b2": cores,
        "4,2": 4,
        "0": cores,
    }.items():
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
        assert choice.default_threads() == threads


@pytest.mark.parametrize("value", ["0", "-1", "nan", "much", "1e400"])
def test_nonsense_is_refused(value, monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, value)
    with pytest.raises(UserError, match="LADDER_MEMORY is"):
        budget.limit()


def test_sizes_in_words():
    assert budget.in_words(2**5000) == "1,000,000,000,000,000,000,000 GB"
    assert [budget.in_words(size) for size in (999, 1500, 2.5e6, 999_999_999, 12345678901)] == [
        "999 bytes",
        "1.5 kB",
        "2.5 MB",
        "1,000 MB",
        "12.3 GB",
    ]


def test_passes_of_virtual_adversarial_noise_count(monkeypatch):
    """A batch of 100 times 10,005 units in float32 is 4 MB; there are 6 such arrays, and 3 for each pass."""
    options = {"encoder_layers": ("3", "2"), "denoising_cost_x": (1.0, 0.0, 0.0), "adv_layers": (0, 1)}
    noise = {"adv_kind_unlabeled": "vat", "adv_tau_unlabeled": (1.0,), "vat_iterations": 3}
    cost = {"vat_cost": (1.0, 0.0), "vat_radius": (1.0,)}
    sign = {"adv_tau_unlabeled": (1.0,), "adv_tau": (1.0, 0.0)}
    for more, passes in (
        ({}, 0),
        (sign, 2),
        (noise, 3),
        ({**noise, "adv_path": "layers"}, 6),
        ({**noise, **cost}, 3 + 3 + 1),
    ):
        size = 4.002e6 * (6 + 3 * passes) + 4 * 10 * 30_006
        p = Options(**options, **more)
        monkeypatch.setenv(budget.VARIABLE, str(1.01 * size / 1e9))
        check_memory(p, (10_000,), 100)
        monkeypatch.setenv(budget.VARIABLE, str(0.99 * size / 1e9))
        with pytest.raises(UserError, match="a network of these --encoder-layers would need"):
            check_memory(p, (10_000,), 100)


def test_a_whitening_of_many_inputs_is_refused(monkeypatch):
    monkeypatch.setenv(budget.VARIABLE, "0.1")
    options = {"encoder_layers": ("3", "2"), "denoising_cost_x": (0.0,) * 3}
    check_memory(Options(**options), (10_000,), 10)
    with pytest.raises(UserError, match="--whiten-zca of 10,000 inputs would need 3.2 GB of memory"):
        check_memory(Options(**options, whiten_zca=10_000), (10_000,), 10)
