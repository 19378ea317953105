#!/usr/bin/env python3
"""Checks the files of Docs/search.md for W&B and Katib, and runs a trial of each as those would start it.

    pip install pyyaml wandb sweeps kubeflow-katib
    python3 Tests/Scripts/check_sweep_files.py [MOEC]

W&B's schema of sweeps and Katib's client must take the files; W&B suggests the values of its trial itself, and logs it
offline. MOEC is the program to run, `moec` unless it is named.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import types

import kubeflow.katib
import sweeps
import sweeps.config.schema
import wandb  # noqa: F401  (which trial.py needs)
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def page(folder):
    """Writes the page's files, and the model that its first command makes."""
    text = (ROOT / "Docs/search.md").read_text(encoding="utf-8")
    for name, content in re.findall(r"^```[a-z]+ (\S+)\n(.*?)^```$", text, re.M | re.S):
        (folder / name).write_text(content, encoding="utf-8")
    command = re.search(r"^sed .*?> model.swift$", text, re.M | re.S)[0]
    subprocess.run(command.replace("Examples/", f"{ROOT}/Examples/"), shell=True, check=True, cwd=folder)
    trial = folder / "trial.sh"
    trial.write_text(trial.read_text().replace("--steps 300", "--steps 2 --eval-batches 1"))


def output_of(command, folder, environment):
    run = subprocess.run(command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, check=True)
    return run.stdout


def wandb_trial(folder, environment):
    sweep = yaml.safe_load((folder / "sweep.yaml").read_text())
    problems = list(sweeps.config.schema.validator.iter_errors(sweep))
    if problems:
        raise SystemExit(f"error: sweep.yaml: {problems[0].message}")
    values = {name: item["value"] for name, item in sweeps.next_run(sweep, []).config.items()}
    if values["chosen"] > values["experts"]:  # which is a trial that fails, as the page says
        values["chosen"] = values["experts"]
    options = [f"--{name}={value}" for name, value in values.items()]
    words = {"${env}": ["/usr/bin/env"], "${interpreter}": [sys.executable], "${program}": [sweep["program"]],
             "${args}": options}
    output_of([word for part in sweep["command"] for word in words[part]], folder,
              {**environment, "WANDB_MODE": "offline", "WANDB_SILENT": "true"})
    logged = list(folder.glob("wandb/offline-run-*/*.wandb"))
    if len(logged) != 1 or b"val_loss" not in logged[0].read_bytes():
        raise SystemExit("error: W&B has logged no loss")
    print("sweep.yaml:", *options)


def katib_trial(folder, environment):
    experiment = yaml.safe_load((folder / "experiment.yaml").read_text())
    client = kubeflow.katib.ApiClient()
    read = client.deserialize(types.SimpleNamespace(data=json.dumps(experiment)), "V1beta1Experiment")
    values = {p.name: p.feasible_space.max for p in read.spec.parameters}
    template = read.spec.trial_template
    chosen = {p.name: values[p.reference] for p in template.trial_parameters}
    container = template.trial_spec["spec"]["template"]["spec"]["containers"][0]
    if container["name"] != template.primary_container_name:
        raise SystemExit("error: experiment.yaml: the trial has no such container")
    command = [re.sub(r"\$\{trialParameters\.(\w+)\}", lambda name: chosen[name[1]], word)
               for word in container["command"]]
    found = re.findall(rf"^{read.spec.objective.objective_metric_name}=([0-9.]+)$",
                       output_of(command, folder, environment), re.M)
    if len(found) != 1:
        raise SystemExit("error: experiment.yaml: the trial has not printed its loss")
    print("experiment.yaml:", *command, "->", found[0])


def main():
    moec = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        page(folder)
        (folder / "Data").symlink_to(ROOT / "Data")
        environment = dict(os.environ)
        if moec:
            environment["PATH"] = f"{moec.parent}:{environment['PATH']}"
        wandb_trial(folder, environment)
        katib_trial(folder, environment)


if __name__ == "__main__":
    main()
