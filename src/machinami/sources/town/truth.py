"""What is planted: which region tells for which town."""

from machinami.sources.town.mix import EVIDENCE_REGIONS
from machinami.sources.town.regions import REGIONS, Region
from machinami.sources.town.settings import TownSettings


def truth(settings: TownSettings) -> dict[str, dict[str, str]]:
    """For each town and region name, what the region is there.

    "evidence" speaks for the town, "counter" for another of the towns asked for, "shared" for none,
    "decoy" is a mark that goes with the town without being of its ground, "absent" is never drawn. At
    difficulty 1 nothing but a decoy tells: all that is drawn is "shared".
    """
    return {
        town: {name: _role(settings, town, Region(number)) for number, name in REGIONS.items()}
        for town in settings.towns
    }


def _role(settings: TownSettings, town: str, region: Region) -> str:
    if region is Region.MARK:
        return "decoy" if settings.decoy != "none" and town == settings.towns[0] else "absent"
    # Glass and water are drawn for the towns alone whose evidence they are.
    if region in (Region.GLASS, Region.WATER) and not any(region in EVIDENCE_REGIONS[t] for t in settings.towns):
        return "absent"
    if settings.difficulty >= 1.0 or len(settings.towns) == 1:
        return "shared"
    if region in EVIDENCE_REGIONS[town]:
        return "evidence"
    return "counter" if any(region in EVIDENCE_REGIONS[t] for t in settings.towns) else "shared"
