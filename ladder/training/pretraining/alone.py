"""Pre-training into a folder of its own, as ``run.py pretrain`` and ``ladder.pretrain`` do."""

from dataclasses import replace

from ladder.data.preprocessing import Preprocessor
from ladder.errors import UserError
from ladder.options import Options
from ladder.runs import lock
from ladder.runs.split_files import LABELED, save_split
from ladder.training.experiment import prepare
from ladder.training.into_folders import check_compiler, log_beginning
from ladder.training.logs import Speaker
from ladder.training.pretraining.folder import PretrainingFolder
from ladder.training.resuming import begun_experiment
from ladder.training.upkeep import Upkeep

#: What is pre-trained unless something else is asked for.
AS_ONE_WOULD = {"pretrain": "dae"}


def begin_alone(p, save_to, configure, upkeep=Upkeep()):
    """Pre-train into a new folder.

    Parameters
    ----------
    p : Options
    save_to : str
        Its name, or a path; a number is added.
    configure : function without arguments -> backend
        Makes the backend ready, once options and data were checked.
    upkeep : Upkeep

    Returns
    -------
    folder : PretrainingFolder
    finished : bool, False after an interrupt
    """
    if p.pretrain == "none":
        raise UserError("--pretrain is none, so there is nothing to do: give dae, dae-joint or rbm.")
    if len(p.denoising_cost_x) == 1:  # a ladder's costs say nothing of pre-training
        p = replace(p, denoising_cost_x=(0.0,) * (len(p.encoder_layers) + 1), decoder_spec=("0",))
    (experiment,) = prepare([p])
    check_compiler(configure(), experiment)
    experiment = experiment.preprocessed(Preprocessor())
    folder = PretrainingFolder.begin(save_to, p, experiment.in_dim)
    with lock.held(folder):
        return folder, _train(folder, experiment, upkeep)


def go_on_alone(path, backend_options, upkeep=Upkeep()):
    """Pre-train to the end what was begun in a folder.

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
