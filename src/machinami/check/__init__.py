"""Which photos are unfit, and why. Nothing is deleted, and every mark can be taken back."""

from machinami.check.report import CheckReport
from machinami.check.stage import check_inputs, check_photos, restore_photos

__all__ = ["CheckReport", "check_inputs", "check_photos", "restore_photos"]
