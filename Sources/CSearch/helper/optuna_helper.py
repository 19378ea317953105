# optuna_helper.py: Optuna behind moec search. Each line of standard input is a question in JSON, each line of
# standard output its answer, in turn. The study lives here alone: moec's journal is what lasts, and every trial
# that it knows is told anew.
import sys

sys.path[:] = [folder for folder in sys.path if folder]  # a json.py of the current folder is not Python's

import json
import os
import warnings

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever a library prints is no answer
warnings.filterwarnings("ignore")


def answer(value):
    answers.write(json.dumps(value) + "\n")
    answers.flush()


try:
    import optuna
except Exception as error:  # it is not there, or not for this Python, or lacks what it needs itself
    answer({"missing": str(error) if isinstance(error, ImportError) else type(error).__name__ + ": " + str(error)})
    sys.exit(0)
try:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
    from optuna.trial import Trial, TrialState, create_trial
except ImportError:
    answer({"old": "Optuna " + getattr(optuna, "__version__", "here") + " is too old"})
    sys.exit(0)

optuna.logging.set_verbosity(optuna.logging.ERROR)


def distribution(entry):
    if entry["kind"] == "choices":
        return CategoricalDistribution(entry["choices"])
    kind = IntDistribution if entry["kind"] == "whole" else FloatDistribution
    return kind(entry["low"], entry["high"], log=entry["log"], step=entry.get("step") or (1 if kind is IntDistribution else None))


def sampler(kind, seed, startup):
    if kind == "tpe":
        return optuna.samplers.TPESampler(
            seed=seed, multivariate=True, constant_liar=True, n_startup_trials=startup)
    if kind == "random":
        return optuna.samplers.RandomSampler(seed=seed)
    if kind == "cma":
        import cmaes  # noqa: F401  asked for first, to say at once that it is missing
        return optuna.samplers.CmaEsSampler(seed=seed, n_startup_trials=startup)
    if kind == "gp":
        import scipy, torch  # noqa: F401,E401
        return optuna.samplers.GPSampler(seed=seed, n_startup_trials=startup)
    raise ValueError("no sampler " + kind)


def pruner(kind, warmup, interval, steps):
    if kind == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=warmup)
    if kind == "hyperband":
        return optuna.pruners.HyperbandPruner(
            min_resource=max(1, interval), max_resource=max(steps, interval + 1), reduction_factor=3)
    return optuna.pruners.NopPruner()


class Helper:
    def open(self, ask):
        self.kind, self.seed, self.startup = ask["sampler"], ask["seed"], ask["startup"]
        self.space = {entry["name"]: distribution(entry) for entry in ask["space"]}
        sampler(self.kind, 0, self.startup)
        self.objectives = ask["objectives"]
        self.pruner = pruner(ask["pruner"], ask["warmup"], ask["interval"], ask["steps"])
        self.study, self.known = self.empty(), {}
        return {"optuna": optuna.__version__}

    def empty(self):
        return optuna.create_study(
            study_name="moec", directions=["minimize"] * self.objectives, pruner=self.pruner)

    def state(self, word):
        # What cannot be trained is as bad as can be: a sampler passes over what failed, and learns from this.
        return TrialState.COMPLETE if word == "complete" else TrialState.PRUNED

    def add(self, ask):
        number, over = ask["trial"], ask.get("state")
        if number in self.known:
            return {}
        self.study.add_trial(create_trial(
            state=TrialState.RUNNING, params=ask["values"], distributions=self.space,
            system_attrs=json.loads(ask.get("attributes") or "{}")))
        self.known[number] = self.study.get_trials(deepcopy=False)[-1]._trial_id
        # Told as it was told at first: a pruner may remember what it was asked.
        trial = Trial(self.study, self.known[number])
        for step, loss in ask.get("reports", []):
            trial.report(loss, step)
            trial.should_prune()
        if over:
            self.finish(trial, over, ask.get("results"))
        return {}

    def suggest(self, ask):
        # A seed of its own for each: one that goes on from a restart would say the same again.
        self.study.sampler = sampler(self.kind, ask["seed"], self.startup)
        trial = self.study.ask(self.space)
        self.offered = trial
        return {"values": trial.params}

    def take(self, ask):
        # As moec writes them in its journal, rounded: a search that goes on from there is to know no less.
        for name, value in ask["values"].items():
            kind = self.space[name]
            self.study._storage.set_trial_param(
                self.offered._trial_id, name, kind.to_internal_repr(value), kind)
        self.known[ask["trial"]] = self.offered._trial_id
        return {}

    def reject(self, ask):
        # A study that never heard of it, for the same reason: brackets of Hyperband follow the trials' numbers.
        study, known = self.empty(), {}
        numbers = {identifier: number for number, identifier in self.known.items()}
        for trial in self.study.get_trials():
            if trial._trial_id in numbers:
                study.add_trial(trial)
                known[numbers[trial._trial_id]] = study.get_trials(deepcopy=False)[-1]._trial_id
        self.study, self.known = study, known
        return {}

    def report(self, ask):
        trial = Trial(self.study, self.known[ask["trial"]])
        trial.report(ask["loss"], ask["step"])
        return {"prunes": bool(trial.should_prune())}

    def finish(self, trial, word, results):
        state = self.state(word)
        self.study.tell(trial, results if state == TrialState.COMPLETE else None, state=state)

    def tell(self, ask):
        trial = Trial(self.study, self.known[ask["trial"]])
        self.finish(trial, ask["state"], ask["results"])
        attributes = {
            key: value for key, value in self.study.trials[trial.number].system_attrs.items()
            if key.startswith(("cma:", "sepcma:", "nsga"))}
        return {"attributes": json.dumps(attributes)} if attributes else {}

    def importances(self, ask):
        target = (lambda trial: trial.values[0]) if ask["objectives"] > 1 else None
        # The usual one needs scikit-learn, the other one Optuna 3.6.
        for kind in (lambda: None, getattr(optuna.importance, "PedAnovaImportanceEvaluator", None)):
            if kind is None:
                continue
            evaluator = kind()
            try:
                return {"importances": optuna.importance.get_param_importances(
                    self.study, evaluator=evaluator, target=target)}
            except ImportError:
                continue
            except (ValueError, RuntimeError):
                break  # too few trials, or all alike
        return {"importances": {}}


helper = Helper()
for line in sys.stdin:
    try:
        ask = json.loads(line)
        answer(getattr(helper, ask["do"])(ask))
    except ImportError as error:
        answer({"missing": str(error)})
    except Exception as error:
        answer({"error": type(error).__name__ + ": " + str(error)})
