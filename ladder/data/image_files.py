"""Image files as arrays of pixels: turned upright, composited on white if transparent, resized.

Pillow reads them, and only in the plain formats of ``FORMATS``.  A file that is
damaged, too large or not an image is reported in one sentence.
"""

import os
import warnings
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np

from ladder import budget
from ladder.errors import UserError
from ladder.files import open_regular, shown

#: The formats that Pillow may recognise.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")

SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".tif", ".tiff", ".webp"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)

#: How an image of another aspect ratio is fitted; the default comes first.
FITS = ("crop", "pad", "stretch")

#: The most bytes of a file, and the most pixels of a side that an image is resized to.
MOST_BYTES, MOST_SIDE = 2**30, 4096

#: Pillow's modes without colours.
GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N")

#: TIFF tag numbers, and values of the last two tags.
BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339
WHITE_IS_ZERO, SIGNED = 0, 2

_MEND = "replace it, or take it out of the folder"


@dataclass(frozen=True)
class ImageReading:
    """How image files become examples.

    Attributes
    ----------
    height, width : int, pixels
    channels : int
        1 is grey, 3 are red, green and blue.
    fit : 'crop', 'pad' or 'stretch'
        For other aspect ratios: a central crop of the right ratio; the whole image with black bars; or the whole
        image, its sides scaled differently.
    """

    height: int
    width: int
    channels: int
    fit: str = FITS[0]

    @classmethod
    def for_shape(cls, in_dim):
        """The one that gives examples of this shape (tuple of int); None if that is not an image's."""
        if len(in_dim) != 3 or in_dim[0] not in (1, 3) or max(in_dim[1:]) > MOST_SIDE:
            return None
        return cls(in_dim[1], in_dim[2], in_dim[0])

    @property
    def shape(self):
        """Shape of an example: (channels, height, width)."""
        return self.channels, self.height, self.width

    def as_dict(self):
        """Plain values, by name."""
        return asdict(self)


def check_installed():
    """Raise a ``UserError`` if Pillow, which matplotlib brings along, is not installed."""
    try:
        import PIL.Image  # noqa: F401
    except ImportError:
        raise UserError("images are read with Pillow: run `pip install pillow`.") from None


def is_grey(path):
    """Whether an image file has no colours, by its header."""
    with _opened(path) as image:
        return image.mode in GREY_MODES


def read_images(paths, reading):
    """Read image files.

    Parameters
    ----------
    paths : list of Path
    reading : ImageReading

    Returns
    -------
    uint8 array, shape (images, channels, height, width)

    Raises
    ------
    UserError
        Names the first file that cannot be read.
    """
    from tqdm import tqdm

    n_bytes = len(paths) * int(np.prod(reading.shape))
    budget.ask(4 * n_bytes, f"{len(paths):,} images in float32", "make them smaller with --size, or take fewer")
    pixels = np.empty((len(paths), *reading.shape), "uint8")
    for i, path in enumerate(tqdm(paths, "reading images", disable=None, leave=False)):
        pixels[i] = read_image(path, reading)
    return pixels


def read_image(path, reading):
    """Read one image file, the first of its frames if it has several: uint8 (channels, height, width)."""
    with _opened(path) as image:
        _check_bits(image, path)
        image.load()
        image = _resized(_plain(_upright(image), reading.channels, path), reading)
        pixels = np.asarray(image)
    return pixels[np.newaxis] if reading.channels == 1 else np.moveaxis(pixels, -1, 0)


@contextmanager
def _opened(path):
    """A Pillow image whose header has been read; errors inside the block are reported in one sentence."""
    from PIL import Image

    with open_regular(path, _MEND) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        if os.fstat(file.fileno()).st_size > MOST_BYTES:
            raise UserError(f"{shown(path)} is larger than {budget.in_words(MOST_BYTES)}: {_MEND}.")
        try:
            with Image.open(file, formats=FORMATS) as image:
                # Pixels of four bytes, and a copy.
                budget.ask(8 * image.width * image.height, f"the image {shown(path)}", _MEND)
                yield image
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            most = Image.MAX_IMAGE_PIXELS
            raise UserError(f"{shown(path)} has more than {most:,} pixels: make it smaller, or {_MEND}.") from None
        except (UserError, MemoryError):
            raise
        except Exception as error:  # what a damaged file raises depends on where the damage is
            raise UserError(
                f"cannot read {shown(path)}: it is damaged, cut short or none of {', '.join(FORMATS)}: {_MEND}."
            ) from error


def _check_bits(image, path):
    """Refuse a TIFF whose values Pillow mistakes for 16-bit integers from black to white."""
    if image.format != "TIFF" or not image.mode.startswith("I"):
        return
    # With more bits, or with 12, it would come out dark.
    if set(image.tag_v2.get(BITS_PER_SAMPLE, ())) - {8, 16}:
        raise _of_other_bits(path)
    if SIGNED in image.tag_v2.get(SAMPLE_FORMAT, ()) or image.tag_v2.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        raise UserError(
            f"{shown(path)} has 16 bits a pixel that are signed, or where white is 0: save it anew with 8, or {_MEND}."
        )


def _of_other_bits(path):
    return UserError(f"{shown(path)} has neither 8 nor 16 bits a pixel: save it anew with 8, or {_MEND}.")


def _upright(image):
    """The image as the camera was held (EXIF)."""
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # the EXIF data may be damaged even if the image is not
        return image


def _plain(image, channels, path):
    """The image in mode L or RGB, 8 bits a channel; what is transparent shows white."""
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        image = Image.fromarray(_eight_bits(np.asarray(image), path))
    elif image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA")).convert("RGB")
    return image.convert("L" if channels == 1 else "RGB")


def _eight_bits(values, path):
    """The upper 8 of 16 bits, which is what Pillow takes of 16-bit colours."""
    if values.dtype.kind not in "ui" or values.min() < 0 or values.max() >= 2**16:
        raise _of_other_bits(path)
    return (values.astype("int64") >> 8).astype("uint8")


def _resized(image, reading):
    from PIL import Image

    size = width, height = reading.width, reading.height
    if image.size == size:
        return image
    bilinear = Image.Resampling.BILINEAR  # averages all pixels below a new one, so none is skipped
    if reading.fit == "stretch":
        return image.resize(size, bilinear)
    if reading.fit == "crop":
        return image.resize(size, bilinear, box=_middle(image.size, width / height))
    scale = min(width / image.width, height / image.height)
    inner = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    padded = Image.new(image.mode, size)
    padded.paste(image.resize(inner, bilinear), ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return padded


def _middle(size, proportion):
    """The largest central box (left, top, right, bottom) of an image, with ``proportion`` as its width over height."""
    width, height = size
    part_width, part_height = min(width, height * proportion), min(height, width / proportion)
    left, top = (width - part_width) / 2, (height - part_height) / 2
    return left, top, left + part_width, top + part_height
