"""Heatmaps of a batch: processor time and memory of ours, of a plain forward pass, and of grad-cam, captum, torchcam.

Prints JSON. Everything runs in turns within one process on the same photos (made ones) and weights (random ones); time
is processor time, since it bears a busy machine better than the clock does; figures are medians, and beside them the
least of the rounds, to which other programs add nothing. Memory is measured in
a process of its own for every variant: the most that is resident above network and photos. With --check, fewer rounds
are made, the targets below are looked at, the figure that falls short is printed last, and the exit code is 1.
"""

import argparse
import ctypes
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from machinami.explain.cam import heatmaps
from machinami.models.folding import fold_batch_norm
from machinami.models.network import PlaceModel

# Times and memory are relative to a plain forward pass in inference mode, the last but one to the folded heatmaps.
TARGETS = {
    "ours_times_forward_at_most": 1.1,
    "folded_times_forward_at_most": 0.95,
    "grad_cam_times_folded_at_least": 3.4,
    "memory_times_forward_at_most": 1.1,
    "kept_mib_at_most": 8.0,  # over 50 batches; what the allocator itself keeps back comes and goes by a few MiB
}
PLACES = ("a", "b", "c", "d", "e")
BACKBONES = ("resnet18", "resnet50")
TIMED = ("forward", "ours", "ours_folded", "grad_cam", "captum", "torchcam")
BATCHES_KEPT = 50

Run = Callable[[Tensor], object]


def make_model(backbone: str) -> PlaceModel:
    """A network whose norms do something, as after training."""
    torch.manual_seed(0)
    model = PlaceModel(backbone, PLACES)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.0)
            nn.init.normal_(module.bias, 0, 0.1)
            module.running_var.fill_(2.0)
    return model.eval()


def make_run(variant: str, model: PlaceModel) -> Run:
    """What one batch costs: classes and heatmaps of the likeliest class; ours gives those of all classes."""
    model = deepcopy(model)  # the hooks of one are no burden to another
    last = model.stage_modules(model.stage_names()[-1])[-1]
    if variant == "forward":
        return torch.inference_mode()(model)
    if variant == "ours":
        return lambda images: heatmaps(model, images)
    if variant == "ours_folded":
        folded = fold_batch_norm(model, size_px=64)
        return lambda images: heatmaps(folded, images.contiguous(memory_format=torch.channels_last))
    if variant == "grad_cam":
        from pytorch_grad_cam import GradCAM

        cam = GradCAM(model, [last])
        return lambda images: cam(images, None)
    if variant == "captum":
        from captum.attr import LayerGradCam

        attribution = LayerGradCam(model, last)

        def predict_and_attribute(images: Tensor) -> Tensor:
            with torch.no_grad():
                target = model(images).argmax(1)
            return attribution.attribute(images, target).detach()

        return predict_and_attribute
    from torchcam.methods import GradCAM as TorchCam

    extractor = TorchCam(model, "network.layer4", input_shape=(3, 64, 64))

    def score_and_extract(images: Tensor) -> object:
        scores = model(images)
        return extractor(class_idx=scores.argmax(1).tolist(), scores=scores)

    return score_and_extract


def make_images(batch: int) -> Tensor:
    return torch.randn(batch, 3, 224, 224, generator=torch.Generator().manual_seed(1))


def time_variants(backbone: str, rounds: int, batch: int) -> dict[str, Any]:
    """Median processor seconds a batch, and the medians of the ratios within a round."""
    model, images = make_model(backbone), make_images(batch)
    runs = {variant: make_run(variant, model) for variant in TIMED}
    for run in runs.values():
        run(images)
    samples: dict[str, list[float]] = {variant: [] for variant in TIMED}
    for number in range(rounds):
        order = TIMED[number % len(TIMED) :] + TIMED[: number % len(TIMED)]
        for variant in order:
            gc.collect()
            started = time.process_time()
            runs[variant](images)
            samples[variant].append(time.process_time() - started)
    forward, folded = samples["forward"], samples["ours_folded"]
    return {
        "seconds": {variant: round(statistics.median(taken), 4) for variant, taken in samples.items()},
        "times_forward": {variant: ratio(taken, forward) for variant, taken in samples.items()},
        "least_times_forward": {v: round(min(taken) / min(forward), 3) for v, taken in samples.items()},
        "grad_cam_times_folded": ratio(samples["grad_cam"], folded),
        "samples": {variant: [round(second, 4) for second in taken] for variant, taken in samples.items()},
    }


def ratio(taken: list[float], other: list[float]) -> float:
    """Ratio of the medians: a round is too short for its own ratio to be steady."""
    return round(statistics.median(taken) / statistics.median(other), 3)


def measure_memory(backbone: str, variant: str, batch: int) -> dict[str, float]:
    """In this process: MiB at most above network and photos, and MiB more after many batches."""
    run, images = make_run(variant, make_model(backbone)), make_images(batch)
    run(images[:2])  # buffers that the libraries make once are theirs, not the method's
    start = resident_mib()
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins here
    result = run(images)
    peak = status_mib("VmHWM") - start
    del result
    few = images[:2, :, ::2, ::2].clone()  # what is kept does not depend on the size, and fifty batches take long
    run(few)
    before = resident_mib()
    for _ in range(BATCHES_KEPT):
        run(few)
    return {"peak_mib": round(peak, 1), "kept_mib": round(resident_mib() - before, 1)}


def resident_mib() -> float:
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    return status_mib("VmRSS")


def status_mib(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def memory_variants(backbone: str, batch: int, variants: tuple[str, ...]) -> dict[str, Any]:
    """Each variant in a fresh process, whose allocator gives back what is freed."""
    found = {}
    for variant in variants:
        command = [sys.executable, __file__, "--memory", backbone, variant, "--batch", str(batch)]
        quick = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
        answer = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **quick})
        found[variant] = json.loads(answer.stdout.splitlines()[-1])
    forward = found["forward"]["peak_mib"]
    return {**found, "times_forward": {v: round(m["peak_mib"] / forward, 3) for v, m in found.items()}}


def shortfalls(results: dict[str, Any]) -> list[str]:
    """What misses its target, in words."""
    short = []
    for backbone, result in results.items():
        times, memory = result["time"]["times_forward"], result["memory"]
        figures = {
            "ours_times_forward_at_most": times["ours"],
            "folded_times_forward_at_most": times["ours_folded"],
            "grad_cam_times_folded_at_least": result["time"]["grad_cam_times_folded"],
            "memory_times_forward_at_most": memory["times_forward"]["ours"],
            "kept_mib_at_most": memory["ours"]["kept_mib"],
        }
        for name, value in figures.items():
            missed = value < TARGETS[name] if name.endswith("least") else value > TARGETS[name]
            if missed:
                short.append(f"{backbone}: {name} {TARGETS[name]}, but it is {value}")
    return short


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--backbones", nargs="+", choices=BACKBONES, default=BACKBONES)
    parser.add_argument("--check", action="store_true", help="nine rounds, and exit 1 where a target is missed")
    parser.add_argument("--memory", nargs=2, metavar=("BACKBONE", "VARIANT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        print(json.dumps(measure_memory(*options.memory, options.batch)))
        return 0
    rounds = 9 if options.check else options.rounds
    held = (
        ("forward", "ours") if options.check else ("forward", "ours", "ours_folded", "grad_cam", "captum", "torchcam")
    )
    results = {}
    for backbone in options.backbones:
        timed = time_variants(backbone, rounds, options.batch)
        print(f"{backbone}: {timed['times_forward']}", file=sys.stderr)
        results[backbone] = {"time": timed, "memory": memory_variants(backbone, options.batch, held)}
        print(f"{backbone}: {results[backbone]['memory']}", file=sys.stderr)
    setting = {
        "rounds": rounds,
        "batch": options.batch,
        "pixels": 224,
        "places": len(PLACES),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "machine": platform.machine(),
    }
    print(json.dumps({"setting": setting, "targets": TARGETS, "results": results}, indent=1))
    short = shortfalls(results) if options.check else []
    for line in short:
        print(line)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
