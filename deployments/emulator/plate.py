"""What lies over the picture: the reference images as inset cards, and the watermark."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

_CARD_HEIGHT = 0.2  # of the picture
_MARGIN = 0.025  # of the picture's height
_BORDER = 4  # pixels


def plate(size: tuple[int, int], references: Sequence[Image.Image], watermark: str | None) -> Image.Image | None:
    """Draw the transparent plate that is laid over every frame.

    Args:
        size: Width and height of the output in pixels.
        references: Reference images; drawn as cards from the lower left corner upwards.
        watermark: Text for the lower right corner, or None for no watermark.

    Returns:
        An RGBA picture of that size, or None when there is nothing to draw.
    """
    if not references and watermark is None:
        return None
    sheet = Image.new("RGBA", size, (0, 0, 0, 0))
    margin = round(size[1] * _MARGIN)
    bottom = size[1] - margin
    height = min(round(size[1] * _CARD_HEIGHT), (bottom - margin) // max(1, len(references)) - margin)
    for reference in references:
        picture = reference.convert("RGB")
        width = min(max(1, round(height * picture.width / picture.height)), size[0] // 3)
        card = ImageOps.expand(ImageOps.fit(picture, (width, height)), _BORDER, "white")
        sheet.paste(card, (margin, bottom - card.height))
        bottom -= card.height + margin // 2
    if watermark is not None:
        font = ImageFont.load_default(max(16, round(size[1] * 0.035)))
        ImageDraw.Draw(sheet).text(
            (size[0] - margin, size[1] - margin),
            watermark,
            font=font,
            anchor="rs",
            fill=(255, 255, 255, 225),
            stroke_width=2,
            stroke_fill=(0, 0, 0, 160),
        )
    return sheet
