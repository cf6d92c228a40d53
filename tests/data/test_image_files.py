"""Image files as pixels: what is read, how it is resized, and what is refused."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ladder.data.image_files import ImageReading, is_grey, read_image, read_images
from ladder.errors import UserError

RNG = np.random.RandomState(0)


def saved(path, pixels, mode=None, **options):
    Image.fromarray(pixels, mode).save(path, **options) if mode else Image.fromarray(pixels).save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "bmp", "gif", "tif", "ppm", "webp"])
def test_lossless_formats_of_the_right_size_keep_every_pixel(tmp_path, suffix):
    pixels = RNG.randint(0, 256, (5, 7)).astype("uint8")
    path = saved(tmp_path / f"a.{suffix}", pixels, **({"lossless": True} if suffix == "webp" else {}))
    assert (read_image(path, ImageReading(5, 7, 1)) == pixels).all()
    coloured = read_image(path, ImageReading(5, 7, 3))
    assert coloured.shape == (3, 5, 7) and coloured.dtype == "uint8" and (coloured == pixels).all()


def test_colours_come_first_and_grey_is_luma(tmp_path):
    pixels = RNG.randint(0, 256, (4, 6, 3)).astype("uint8")
    path = saved(tmp_path / "a.png", pixels)
    assert (read_image(path, ImageReading(4, 6, 3)) == pixels.transpose(2, 0, 1)).all()
    luma = pixels @ [0.299, 0.587, 0.114]  # ITU-R 601-2
    assert np.abs(read_image(path, ImageReading(4, 6, 1))[0] - luma).max() <= 1
    assert not is_grey(path) and is_grey(saved(tmp_path / "b.png", pixels[..., 0]))


def test_sixteen_bits_transparency_palettes_and_frames(tmp_path):
    deep = RNG.randint(0, 2**16, (3, 4)).astype("uint16")
    for suffix in ("png", "tif"):
        assert (read_image(saved(tmp_path / f"deep.{suffix}", deep), ImageReading(3, 4, 1))[0] == deep >> 8).all()
    rgba = np.zeros((1, 3, 4), "uint8")
    rgba[0, :, 3] = 255, 0, 51
    white = read_image(saved(tmp_path / "clear.png", rgba), ImageReading(1, 3, 1))
    assert white.tolist() == [[[0, 255, 204]]]
    red = np.zeros((2, 2, 3), "uint8")
    red[..., 0] = 204  # a colour of the palette
    frames = [Image.fromarray(red).convert("P"), Image.fromarray(255 - red).convert("P")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "moving.gif", ImageReading(2, 2, 3))[:, 0, 0].tolist() == [204, 0, 0]


def test_a_pixel_of_32_bits_is_refused_whatever_it_holds(tmp_path):
    for highest in (255, 4095, 2**16 - 1):
        pixels = RNG.randint(0, highest + 1, (3, 4)).astype("int32")
        for orientation in (1, 6):  # turning an image upright, Pillow forgets how many bits it had
            exif = Image.Exif()
            exif[0x0112] = orientation
            saved(tmp_path / "deep.tif", pixels, exif=exif)
            with pytest.raises(UserError, match="deep.tif has neither 8 nor 16 bits a pixel: save it anew with 8"):
                read_image(tmp_path / "deep.tif", ImageReading(3, 4, 1))


def tiff(path, pixels, photometric, sample_format):
    """Write a TIFF of 16 bits per pixel with these tags, which Pillow does not write."""
    height, width = pixels.shape
    values = {
        256: width,
        257: height,
        258: 16,
        259: 1,
        262: photometric,
        273: 8,
        277: 1,
        278: height,
        279: pixels.nbytes,
    }
    tags = sorted({**values, 339: sample_format}.items())
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    path.write_bytes(
        struct.pack("<2sHI", b"II", 42, 8 + pixels.nbytes)
        + pixels.astype("<u2").tobytes()
        + struct.pack("<H", len(tags))
        + entries
        + bytes(4)
    )
    return path


@pytest.mark.parametrize("photometric, sample_format, is_read", [(1, 1, True), (0, 1, False), (1, 2, False)])
def test_sixteen_bits_that_are_signed_or_inverted_are_refused(tmp_path, photometric, sample_format, is_read):
    pixels = RNG.randint(0, 2**15, (3, 4)).astype("uint16")
    path = tiff(tmp_path / "deep.tif", pixels, photometric, sample_format)
    if is_read:
        assert (read_image(path, ImageReading(3, 4, 1))[0] == pixels >> 8).all()
        return
    with pytest.raises(
        UserError, match="deep.tif has 16 bits a pixel that are signed, or where white is 0: save it anew"
    ):
        read_image(path, ImageReading(3, 4, 1))


def test_a_camera_that_was_held_sideways(tmp_path):
    pixels, exif = np.zeros((2, 3), "uint8"), Image.Exif()
    pixels[0, 0], exif[0x0112] = 255, 6  # turn by 90 degrees clockwise to see it upright
    path = saved(tmp_path / "a.png", pixels, exif=exif)
    assert read_image(path, ImageReading(3, 2, 1))[0].tolist() == np.rot90(pixels, -1).tolist()


def test_fits(tmp_path):
    pixels = np.zeros((4, 8), "uint8")
    pixels[:, 2:6] = 100  # the middle square
    path = saved(tmp_path / "wide.png", pixels)
    assert (read_image(path, ImageReading(4, 4, 1, "crop")) == 100).all()
    padded = read_image(path, ImageReading(8, 8, 1, "pad"))[0]
    assert (padded[:2] == 0).all() and (padded[6:] == 0).all() and (padded[2:6] == pixels).all()
    stretched = read_image(path, ImageReading(4, 4, 1, "stretch"))[0]
    assert stretched[0].tolist() == stretched[0, ::-1].tolist() and 0 < stretched[0, 0] < stretched[0, 1] < 100
    # Halving takes every pixel into account: each new one has weights 1 3 3 1 over 8.
    ramp = saved(tmp_path / "ramp.png", np.tile(np.arange(8, dtype="uint8") * 8, (8, 1)))
    assert read_image(ramp, ImageReading(4, 4, 1))[0, 0, 1:3].tolist() == [20, 36]
    line = saved(tmp_path / "line.png", np.full((1, 500), 90, "uint8"))
    for fit in ("crop", "pad", "stretch"):
        assert read_image(line, ImageReading(4, 4, 1, fit)).max() == 90


def bomb(path, side):
    """A PNG of 65 bytes that says it has side x side pixels."""
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def test_what_is_refused_names_the_file_and_a_mend(tmp_path, monkeypatch):
    reading = ImageReading(4, 4, 1)
    good = saved(tmp_path / "good.png", RNG.randint(0, 256, (64, 64)).astype("uint8")).read_bytes()
    (tmp_path / "cut.png").write_bytes(good[: len(good) // 2])
    (tmp_path / "text.png").write_bytes(b"not an image")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "link.png").symlink_to("link.png")
    Image.fromarray(RNG.rand(4, 4).astype("float32")).save(tmp_path / "float.tif")
    (tmp_path / "drawing.png").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"
    )  # would start a program
    for name in ("cut.png", "text.png", "empty.png", "link.png", "float.tif", "drawing.png", "gone.png"):
        with pytest.raises(UserError, match=rf"{name}.* or take it out of the folder\.$|{name}: replace it"):
            read_image(tmp_path / name, reading)
    for side in (10_000, 60_000):  # above Pillow's limit, and above twice that
        with pytest.raises(UserError, match=r"bomb.png has more than 89,478,485 pixels: make it smaller"):
            is_grey(bomb(tmp_path / "bomb.png", side))
    monkeypatch.setenv("LADDER_MEMORY", "0.1")
    with pytest.raises(UserError, match=r"the image .*bomb.png would need 648 MB of memory"):
        read_image(bomb(tmp_path / "bomb.png", 9000), reading)
    with pytest.raises(UserError, match="100,000 images in float32 would need"):
        read_images([tmp_path / "good.png"] * 100_000, ImageReading(32, 32, 3))
