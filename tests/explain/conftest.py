import pytest
import torch
from torch import Tensor, nn

from machinami.models import PlaceModel


class SmallModel(PlaceModel):
    """A network of three stages whose second one ends before an in-place ReLU, with a head of one's choice."""

    def __init__(self, head: str = "pooled", *, places: int = 4, edge_px: int = 24, seed: int = 0) -> None:
        nn.Module.__init__(self)
        torch.manual_seed(seed)
        self.backbone = f"small-{head}"
        self.places = tuple("abcdefgh"[:places])
        self.temperature = 1.0
        self.stages = nn.ModuleDict(
            {
                "stem": nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1, bias=False), nn.BatchNorm2d(6), nn.ReLU(inplace=True)),
                "middle": nn.Sequential(nn.Conv2d(6, 8, 3, 2, 1), nn.BatchNorm2d(8)),
                "last": nn.Sequential(
                    nn.ReLU(inplace=True), nn.Conv2d(8, 10, 3, 2, 1), nn.BatchNorm2d(10), nn.ReLU(inplace=True)
                ),
            }
        )
        cells = (edge_px // 8) ** 2
        self.head = {
            "pooled": lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(10, places)),
            "flat": lambda: nn.Sequential(nn.Flatten(), nn.Linear(10 * cells, places)),
            "deep": lambda: nn.Sequential(nn.Flatten(), nn.Linear(10 * cells, 12), nn.Tanh(), nn.Linear(12, places)),
        }[head]()
        self.pooled = head == "pooled"
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 1.5)
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0, 0.3)
        self.eval()

    def features(self, images: Tensor) -> Tensor:
        return self.run_stages(images)

    def classify(self, maps: Tensor) -> Tensor:
        return self.head(maps)

    def linear_head(self) -> tuple[Tensor, Tensor] | None:
        return (self.head[-1].weight, self.head[-1].bias) if self.pooled else None

    def stage_names(self) -> tuple[str, ...]:
        return tuple(self.stages)

    def run_stages(self, x: Tensor, *, start: str | None = None, stop: str | None = None) -> Tensor:
        names = self.stage_names()
        first = 0 if start is None else self._index(start) + 1
        last = len(names) if stop is None else self._index(stop) + 1
        for name in names[first:last]:
            x = self.stages[name](x)
        return x


@pytest.fixture(autouse=True)
def one_thread():
    """Small networks are faster without threads that wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def small():
    """Makes small networks: small("pooled" | "flat" | "deep", places=4, seed=0)."""
    return SmallModel


@pytest.fixture
def images():
    return torch.randn(5, 3, 24, 24, generator=torch.Generator().manual_seed(1))
