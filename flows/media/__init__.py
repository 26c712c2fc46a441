"""Videos and pictures: read their headers, verify results, draw stills and comparisons (PyAV, Pillow)."""

from flows.media.images import probe_image
from flows.media.probe import probe_video
from flows.media.unreadable import UnreadableMedia

__all__ = ["UnreadableMedia", "probe_image", "probe_video"]
