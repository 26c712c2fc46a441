"""The gallery: one static page beside the results, on which a person looks at what was made and what it cost."""

from flows.gallery.write import GALLERY, read_results, write_gallery

__all__ = ["GALLERY", "read_results", "write_gallery"]
