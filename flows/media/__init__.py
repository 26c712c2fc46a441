"""Videos and pictures: read their headers, verify results, draw comparisons (PyAV, Pillow)."""

from flows.media.film import open_film, probe_video
from flows.media.images import probe_image
from flows.media.pictures import before_after, contact_sheet
from flows.media.quality import quality_notes
from flows.media.samples import Samples, samples_of
from flows.media.unreadable import UnreadableMedia
from flows.media.verify import Expected, Verification, verify_result

__all__ = [
    "Expected",
    "Samples",
    "UnreadableMedia",
    "Verification",
    "before_after",
    "contact_sheet",
    "open_film",
    "probe_image",
    "probe_video",
    "quality_notes",
    "samples_of",
    "verify_result",
]
