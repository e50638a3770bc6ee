"""A small SegFormer of random weights, saved as the hub's checkpoints are."""

import json

CITYSCAPES = (
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation", "terrain",
    "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
)  # fmt: skip


def save_segformer(folder, labels=CITYSCAPES, *, seed=0, size_px=64):
    """Write config.json, preprocessor_config.json and model.safetensors; the network."""
    import torch
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    torch.manual_seed(seed)
    names = dict(enumerate(labels))
    config = SegformerConfig(
        depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 16, 16], num_attention_heads=[1, 1, 2, 2], decoder_hidden_size=16,
        sr_ratios=[8, 4, 2, 1], initializer_range=0.5, id2label=names,
        label2id={name: number for number, name in names.items()},
    )  # fmt: skip
    network = SegformerForSemanticSegmentation(config).eval()
    with torch.no_grad():
        network.decode_head.classifier.weight.normal_(0, 3)  # so that pixels differ
    network.save_pretrained(folder)
    scaling = {"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.25, 0.3], "size": size_px}
    (folder / "preprocessor_config.json").write_text(json.dumps(scaling))
    return network
