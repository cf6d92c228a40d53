"""Which layers have adversarial noise and virtual adversarial costs, and which options are refused."""

import pytest

from ladder.adversarial_layers import resolve_adversarial, resolve_vat_cost
from ladder.errors import UserError
from ladder.layers import resolve_layers
from ladder.options import Options


def small(**options):
    """Options with layers 5-4."""
    return Options(**{"encoder_layers": ("5", "4"), "denoising_cost_x": (0.0,) * 3, **options})


@pytest.mark.parametrize(
    "options, says",
    [
        (dict(adv_kind="fgsm"), "--adv-kind: unknown kind 'fgsm': choose from sgn, udg, 1N, kN, vat"),
        (dict(adv_kind_unlabeled="28N"), "--adv-kind-unlabeled: unknown kind '28N'"),
        (dict(adv_tau=(-0.1,)), "--adv-tau is -0.1, but must be 0 or more"),
        (dict(adv_tau_unlabeled=(float("nan"),)), "--adv-tau-unlabeled is nan, but must be 0 or more"),
        (dict(adv_scale="units"), "--adv-scale is units, but must be one of none, dim"),
        (dict(adv_path="both"), "--adv-path is both, but must be one of corr, clean, layers"),
        (dict(adv_path="layers", adv_tau=(0.1,)), "--adv-path layers is for --adv-kind vat, but it is sgn: give vat"),
        (
            dict(adv_path="layers", adv_tau_unlabeled=(0.1,), denoising_cost_x=(1.0,) * 3),
            "--adv-path layers is for --adv-kind-unlabeled vat, but it is sgn",
        ),
        (dict(vat_iterations=0), "--vat-iterations is 0, but must be at least 1 and at most 10"),
        (dict(vat_iterations=11), "--vat-iterations is 11, but must be at least 1 and at most 10"),
        (dict(vat_xi=0.0), "--vat-xi is 0.0, but must be above 0"),
        (dict(vat_noise_std=-1.0), "--vat-noise-std is -1.0, but must be 0 or more"),
        (dict(vat_noise_std=0.5), "--vat-noise-std is noise of the passes of --adv-path layers and of --vat-cost"),
        (dict(vat_cost=(-1.0,)), "--vat-cost is -1.0, but must be 0 or more"),
        (dict(vat_radius=(float("nan"),)), "--vat-radius is nan, but must be 0 or more"),
        (dict(vat_cost=(1.0, 2.0)), "--vat-cost has 2 entries for 1 layer of --adv-layers: give one, or 1"),
        (dict(vat_cost=(1.0,), vat_radius=(0.0,)), "--vat-cost weighs layer 0, whose --vat-radius is 0: give a radius"),
        (
            dict(vat_cost=(1.0,), vat_radius=(0.1,), unsupervised=True, denoising_cost_x=(1.0,) * 3),
            "--vat-cost compares probabilities of classes, which --unsupervised does not train",
        ),
        (dict(adv_layers=(0, 3)), "--adv-layers: there is no layer 3: choose from 0 (the input) to 2"),
        (dict(adv_layers=()), "--adv-layers names no layer"),
        (dict(adv_layers=(0, 1, 0)), "--adv-layers names a layer twice: 0,1,0"),
        (dict(adv_tau=(0.1, 0.2)), "--adv-tau has 2 entries for 1 layer of --adv-layers: give one, or 1"),
        (dict(adv_tau_unlabeled=(0.1, 0.2), adv_layers=(0, 1, 2)), "--adv-tau-unlabeled has 2 entries for 3 layers"),
        (dict(adv_tau_unlabeled=(0.1,)), "--adv-tau-unlabeled is noise on unlabelled examples, which need a --denois"),
        (dict(adv_tau=(0.1,), unsupervised=True, denoising_cost_x=(1.0,) * 3), "--adv-tau is noise on labelled"),
    ],
)
def test_refused(options, says):
    with pytest.raises(UserError) as error:
        p = small(**options)
        resolve_adversarial(p, resolve_layers(p, (3,)))
    assert says in str(error.value)


@pytest.mark.parametrize(
    "options, labeled, unlabeled",
    [
        (dict(), {}, {}),
        (dict(adv_tau=(0.5,)), {0: 0.5}, {}),
        (dict(adv_tau_unlabeled=(0.5,), adv_layers=(2, 0)), {}, {0: 0.5, 2: 0.5}),
        (dict(adv_tau=(0.1, 0.2, 0.0), adv_layers=(2, 0, 1)), {0: 0.2, 2: 0.1}, {}),
        (dict(adv_tau=(2.0,), adv_layers=(0, 1), adv_scale="dim"), {0: 2.0, 1: 2 * (5 / 3) ** 0.5}, {}),
    ],
)
def test_adversarial_noise_by_layer(options, labeled, unlabeled):
    p = small(**{"denoising_cost_x": (1.0,) * 3, "adv_kind_unlabeled": "kN", **options})
    resolved = resolve_adversarial(p, resolve_layers(p, (3,)))
    assert resolved == {"labeled": ("sgn", pytest.approx(labeled)), "unlabeled": ("kN", pytest.approx(unlabeled))}


def test_virtual_adversarial_cost_by_layer():
    def resolved(**options):
        p = small(adv_layers=(2, 0), **options)
        return resolve_vat_cost(p, resolve_layers(p, (3,)))

    assert resolved(vat_radius=(0.5,)) == {}
    assert resolved(vat_cost=(1.0,), vat_radius=(0.5, 0.25)) == {0: (1.0, 0.25), 2: (1.0, 0.5)}
    assert resolved(vat_cost=(0.0, 2.0), vat_radius=(0.0, 0.25)) == {0: (2.0, 0.25)}


def test_the_virtual_adversarial_cost_is_a_use_of_unlabelled_noise():
    p = small(adv_tau_unlabeled=(0.1,), vat_cost=(1.0,), vat_radius=(0.5,))
    assert resolve_adversarial(p, resolve_layers(p, (3,)))["unlabeled"] == ("sgn", {0: 0.1})
