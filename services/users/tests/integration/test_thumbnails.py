"""What becomes of pictures: sizes, uprightness, no metadata; and what is refused before it is decoded."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from users.thumbnails import MEMORY_MB, PictureRefused, make_thumbnails

from .pictures import BLUE, RED, bomb, moving, picture, polyglot, sideways_photo, with_profile

SIZES = (128, 256, 512)


def made(directory: Path, content: bytes) -> dict[int, Image.Image]:
    source, place = directory / "upload", directory / "7" / "made"
    source.write_bytes(content)
    make_thumbnails(source, place, SIZES)
    found = {size: Image.open(io.BytesIO((place / f"{size}.webp").read_bytes())) for size in SIZES}
    assert {path.name for path in place.parent.iterdir()} == {"made"}, "nothing half-made is left"
    return found


def near(pixel: object, colour: tuple[int, ...]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(int(a) - b) < 25 for a, b in zip(pixel[:3], colour, strict=True))


@pytest.mark.parametrize(
    "content",
    [
        picture("PNG"),
        picture("JPEG", (400, 3000)),
        picture("WEBP"),
        picture("PNG", mode="RGBA", colour=(*RED, 255)),
        picture("PNG", (40, 40)),
        picture("JPEG", mode="CMYK", colour=(0, 235, 235, 25)),
    ],
)
def test_three_squares_of_the_same_picture(tmp_path: Path, content: bytes):
    for size, thumbnail in made(tmp_path, content).items():
        assert (thumbnail.format, thumbnail.size) == ("WEBP", (size, size))
        assert near(thumbnail.convert("RGB").getpixel((size // 2, size // 2)), RED)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16"])
def test_every_way_to_write_a_picture_is_read(tmp_path: Path, mode: str):
    colour = (255, 255) if mode == "LA" else 1 if mode == "1" else 200
    assert set(made(tmp_path, picture("PNG", mode=mode, colour=colour))) == set(SIZES)


def test_a_photo_stands_upright_and_tells_nothing(tmp_path: Path):
    thumbnails = made(tmp_path, sideways_photo())
    upright = thumbnails[128].convert("RGB")
    assert near(upright.getpixel((64, 20)), RED)
    assert near(upright.getpixel((64, 108)), BLUE)
    for path in (tmp_path / "7" / "made").iterdir():
        content = path.read_bytes()
        assert b"SECRET" not in content
        assert not {b"EXIF", b"ICCP", b"XMP "} & {content[at : at + 4] for at in range(12, 60)}


def test_what_is_appended_to_a_picture_does_not_pass(tmp_path: Path):
    made(tmp_path, polyglot())
    assert not [
        p for p in (tmp_path / "7" / "made").iterdir() if b"SECRET" in p.read_bytes() or b"PK" in p.read_bytes()
    ]


def test_a_profile_that_cannot_be_used_is_taken_for_srgb(tmp_path: Path):
    assert near(made(tmp_path, with_profile())[128].convert("RGB").getpixel((9, 9)), RED)
    assert near(made(tmp_path, picture("JPEG", icc_profile=b"junk"))[128].convert("RGB").getpixel((9, 9)), RED)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (bomb(), "million pixels"),
        (bomb(16_385, 10), "16,384"),
        (moving("PNG"), "moves"),
        (moving("WEBP"), "moves"),
        (picture("PNG", (15, 400)), "less than 16"),
        (picture("JPEG")[:700], "broken or cut off"),
        (picture("PNG", (300, 300))[:-40], "broken or cut off"),
        (picture("GIF"), "no JPEG, PNG or WebP"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "JPEG|broken"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "JPEG|broken"),
    ],
    ids=["bomb", "long", "APNG", "WebP", "tiny", "cut JPEG", "cut PNG", "GIF", "PNG head", "WebP head"],
)
def test_what_no_avatar_can_be_made_of_is_refused_with_a_reason(tmp_path: Path, content: bytes, reason: str):
    with pytest.raises(PictureRefused, match=reason):
        made(tmp_path, content)
    assert not (tmp_path / "7").exists()


def test_the_largest_picture_that_is_taken_fits_in_the_memory_there_is(tmp_path: Path):
    source = tmp_path / "large.png"
    Image.new("RGBA", (8_000, 4_000), (*RED, 128)).save(source, compress_level=1)
    program = (
        "import resource, sys; from pathlib import Path; from users.thumbnails import make_thumbnails;"
        "make_thumbnails(Path(sys.argv[1]), Path(sys.argv[2]), (128, 512));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(source), str(tmp_path / "made")], capture_output=True, text=True, check=True
    )
    assert int(ended.stdout) < MEMORY_MB


def test_broken_exif_is_the_pictures_fault_and_no_crash_of_ours(tmp_path: Path):
    # A tag of a type that its value is not: Pillow tells it by struct.error, found by changing bytes at random.
    tags = (
        b"\x01\x18\x00\x02\x00\x00\x00\x06\x00\x00\x00&\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\xb0\x00\x00\x00\x00"
    )
    file = io.BytesIO()
    Image.new("RGB", (64, 64), RED).save(
        file, "JPEG", exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x02" + tags + b"maker\x00"
    )
    with pytest.raises(PictureRefused, match="broken"):
        made(tmp_path, file.getvalue())
