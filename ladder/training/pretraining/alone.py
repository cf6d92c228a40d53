"""Pre-training into a folder of its own, as ``run.py pretrain`` and ``ladder.pretrain`` do."""

from dataclasses import replace

from ladder.data.preprocessing import Preprocessor
from ladder.errors import UserError
from ladder.optimisation import CONSTANTS
from ladder.option_names import as_typed
from ladder.options import DEFAULTS, Options
from ladder.pretraining import DECLARED
from ladder.runs import lock
from ladder.runs.split_files import LABELED, save_split
from ladder.training.experiment import prepare
from ladder.training.into_folders import check_compiler, log_beginning
from ladder.training.logs import Speaker
from ladder.training.pretraining.folder import PretrainingFolder
from ladder.training.pretraining.starting import SHARED
from ladder.training.resuming import begun_experiment
from ladder.training.upkeep import Upkeep

#: The kind of pre-training unless another is asked for.
AS_ONE_WOULD = {"pretrain": "dae"}

#: The options that pre-training reads: its own, and those of the network, the data and the updates.
READ = {
    "encoder_layers",
    "act",
    "super_noise_std",
    "f_local_noise_std",
    "seed",
    "dseed",
    "batch_size",
    "unlabeled_batch_size",
    "labeled_samples",
    "labeled_indices",
    "unlabeled_samples",
    "valid_set_size",
    "valid_batch_size",
    "unsupervised",
    "noise",
    "plain_graph",
    "optimizer",
    *CONSTANTS,
    "clip_norm",
    *SHARED,
    *DECLARED,
} - {"from_"}

#: Options of a ladder, which those who train one afterwards may give with the rest.
OF_THE_LADDER = {"denoising_cost_x", "decoder_spec"}


def check_read(p, names):
    """Refuse options (by name) that pre-training does not read, as they would change nothing."""
    for name in names:
        if name not in READ | OF_THE_LADDER and getattr(p, name) != DEFAULTS[name]:
            raise UserError(f"{as_typed(name)} means nothing to pre-training: leave it out.")


def begin_alone(p, save_to, configure, upkeep=Upkeep()):
    """Pre-train into a new folder.

    Parameters
    ----------
    p : Options
    save_to : str
        Its name, or a path; a number is added.
    configure : function without arguments -> backend
        Configures the backend, once options and data have been checked.
    upkeep : Upkeep

    Returns
    -------
    folder : PretrainingFolder
    finished : bool, False after an interrupt
    """
    if p.pretrain == "none":
        raise UserError("--pretrain is none, so there is nothing to do: give dae, dae-joint or rbm.")
    if len(p.denoising_cost_x) == 1:  # a ladder's costs mean nothing to pre-training
        p = replace(p, denoising_cost_x=(0.0,) * (len(p.encoder_layers) + 1), decoder_spec=("0",))
    (experiment,) = prepare([p])
    check_compiler(configure(), experiment)
    folder = PretrainingFolder.begin(save_to, p, experiment.in_dim)
    try:
        experiment = experiment.preprocessed(Preprocessor())
    except UserError:
        folder.abandon()
        raise
    with lock.held(folder):
        return folder, _train(folder, experiment, upkeep)


def go_on_alone(path, backend_options, upkeep=Upkeep()):
    """Resume the pre-training that was begun in a folder.

    Parameters
    ----------
    path : str
    backend_options : dict
        As for :func:`ladder.training.resuming.resume`.
    upkeep : Upkeep

    Returns
    -------
    folder : PretrainingFolder
    finished : bool, False after an interrupt
    """
    folder = PretrainingFolder.existing(path, "--resume")
    options = folder.load_options()
    if options is None:
        raise UserError(
            f"--resume: {folder} has no {folder.options_file}, so no pre-training was begun there: start it anew, or go on "
            "with a run by run.py train --resume."
        )
    if folder.is_finished():
        return folder, True
    with lock.held(folder):
        return folder, _train(folder, begun_experiment(folder, Options(**options), backend_options), upkeep)


def _train(folder, experiment, upkeep):
    from ladder.training.pretraining.stacks import pretrain

    if experiment.p.labeled_indices:  # for the command that goes on with the labels
        save_split(folder, experiment.split, experiment.p, [LABELED])
    speaker = Speaker([""])
    with speaker.heard([folder]) if upkeep.progress else speaker.logged([folder]):
        log_beginning(folder, experiment)
        return pretrain(experiment, folder, upkeep.of_pretraining) is not None
