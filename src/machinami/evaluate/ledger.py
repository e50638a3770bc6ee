"""How often the test blocks have been opened: counted from runs.jsonl, which is only ever added to."""

from machinami.project import Project

__all__ = ["count_openings"]


def count_openings(project: Project, *, split_digest: str, model_digest: str) -> int:
    """How many models have been judged on this split's test blocks, the given one included.

    Counts the different "model_digest" in the lines of stage "evaluate" that carry this "split_digest", however
    those runs ended, since the test was open from their start. The same model again is no new opening; another
    split starts a new count.
    """
    opened = {
        str(line["model_digest"])
        for line in project.runs()
        if line["stage"] == "evaluate" and line.get("split_digest") == split_digest and line.get("model_digest")
    }
    return len(opened | {model_digest})
