"""What a finished run leaves for plotting scripts, read from the other side:
    check_metrics.py RUN_DIR STEPS_PER_ITERATION [no-tensorboard]
No step stands twice and none is missing in progress.csv, monitor.csv, evaluations.npz and the
event files, and they agree with each other and with the archives. Exit 77 where numpy or protobuf
is missing."""
import csv
import glob
import json
import math
import os
import sys
import zipfile

try:
    import numpy as np
    from event_files import Run
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)


def increases(steps):
    return all(a < b for a, b in zip(steps, steps[1:]))


def read_archives(folder):
    """Manifest and history of each stage, in order."""
    stages = []
    for path in glob.glob(os.path.join(folder, "stage?_*kN.zip")):
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            manifest.update(manifest["counters"])
            history = csv.DictReader(archive.read("history.csv").decode().splitlines())
            if manifest["kind"] == "stage":
                stages.append((manifest, list(history)))
    return sorted(stages, key=lambda stage: stage[0]["stage"])


def check_progress(folder, per_iteration, stages):
    with open(os.path.join(folder, "progress.csv"), newline="") as file:
        rows = list(csv.DictReader(file))
    steps = [int(row["time/total_timesteps"]) for row in rows]
    assert steps == list(range(per_iteration, steps[-1] + 1, per_iteration)), steps
    places = [(int(row["stage/number"]), int(row["stage/attempt"]), int(row["stage/step"]))
              for row in rows]
    assert increases(places), places
    last = {place[0]: place for place in places}
    for manifest, _ in stages:
        assert last[manifest["stage"]][1:] == (manifest["attempt"], manifest["steps"])
    assert steps[-1] == stages[-1][0]["total_steps"]
    return rows


def check_monitor(folder, stages):
    with open(os.path.join(folder, "monitor.csv"), newline="") as file:
        first = file.readline()
        rows = list(csv.DictReader(file))
    assert first[0] == "#"
    header = json.loads(first[1:])
    assert header["t_start"] > 1e9 and isinstance(header["env_id"], str)
    assert list(rows[0])[:3] == ["r", "l", "t"]
    assert increases([float(row["t"]) for row in rows])
    assert float(rows[0]["t"]) > 0
    steps = [int(row["total_timesteps"]) for row in rows]
    assert steps == sorted(steps)
    for manifest, history in stages:  # of a stage's last attempt
        before = manifest["total_steps"] - manifest["steps"]
        told = [(int(row["total_timesteps"]) - before, float(row["r"]), int(row["l"]),
                 float(row["peak_drift_to_passive"])) for row in rows
                if before < int(row["total_timesteps"]) <= manifest["total_steps"]]
        kept = [(int(row["step"]), float(row["return"]), int(row["length"]),
                 float(row["peak_drift_to_passive"])) for row in history]
        assert told == kept, f"stage {manifest['stage']}: {len(told)} and {len(kept)} episodes"


def check_evaluations(folder, stages):
    found = np.load(os.path.join(folder, "evaluations.npz"))
    steps = found["timesteps"]
    assert steps.dtype == np.int64 and increases(list(steps)), steps
    assert found["results"].dtype == np.float64 and found["ep_lengths"].dtype == np.int64
    assert found["results"].shape == found["ep_lengths"].shape == (len(steps),
                                                                    len(found["motion_stages"]))
    assert (found["ep_lengths"] > 0).all()
    for stage in range(1, len(stages) + 1):  # results are minus the ratios of the means
        of_stage = found["motion_stages"] == stage
        means = -found["results"][:, of_stage].mean(axis=1)
        assert np.allclose(means, found["peak_drift_to_passive"][:, stage - 1], atol=1e-12)
    for manifest, _ in stages:
        row = list(steps).index(manifest["total_steps"])
        assert found["score"][row] == manifest["score"]
        assert found["stage"][row] == manifest["stage"]
        assert found["attempt"][row] == manifest["attempt"]
        for i, score in enumerate(manifest["scores"]):
            for name in ("peak_drift_to_passive", "rms_drift_to_passive", "stroke_max_m"):
                assert found[name][row, i] == score[name]
    return found


def check_event_files(folder, rows, evaluations):
    run = Run(folder)
    for tag, series in list(run.scalars.items()) + list(run.texts.items()):
        assert increases([step for step, _ in series]), tag
    compared = 0
    for column in rows[0]:
        if column.startswith("control/validation_"):
            continue
        if column in ("time/total_timesteps", "time/iterations", "time/time_elapsed",
                      "train/n_updates"):
            assert column not in run.scalars
            continue
        wanted = [(int(row["time/total_timesteps"]), np.float32(row[column])) for row in rows
                  if row[column] != ""]
        got = [(step, np.float32(value)) for step, value in run.scalars[column]]
        assert len(got) == len(wanted), column
        for (step, value), (its_step, its_value) in zip(got, wanted):
            # nine digits of the double round to a neighbour of the float at most
            assert step == its_step and math.isclose(value, its_value, rel_tol=2e-7,
                                                     abs_tol=1e-30), (column, step)
        compared += 1
    assert compared > 20
    scores = [(int(step), np.float32(score))
              for step, score in zip(evaluations["timesteps"], evaluations["score"])]
    assert [(step, np.float32(v)) for step, v in run.scalars["eval/mean_reward"]] == scores
    assert "stage 1, attempt 1" in run.texts["run/stage"][0][1]
    assert "begins" in run.texts["run/events"][0][1]
    return run


def main():
    folder, per_iteration = sys.argv[1], int(sys.argv[2])
    stages = read_archives(folder)
    assert stages
    rows = check_progress(folder, per_iteration, stages)
    check_monitor(folder, stages)
    evaluations = check_evaluations(folder, stages)
    if "no-tensorboard" in sys.argv[3:]:
        assert not glob.glob(os.path.join(folder, "events.out.tfevents.*"))
        return
    run = check_event_files(folder, rows, evaluations)
    print(f"{len(rows)} iterations, {len(evaluations['timesteps'])} evaluations, "
          f"{len(run.files)} event files, texts at {[s for s, _ in run.texts['run/events']]}")


main()
