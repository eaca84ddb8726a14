"""Images in archives, arrays, parquet and LMDBs are those of a folder; what is none of these is one line."""

import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import lmdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import toy
from PIL import Image

from lacuna.data import census, open_images
from lacuna.data.containers import in_order, is_lmdb, parquet, surveyed
from lacuna.data.held import Plan
from lacuna.data.preparation import Preparation
from lacuna.errors import UserError
from lacuna.stages import gather

NUM = 25
SIDE = 24
RANDOM = np.random.default_rng(5)
PIXELS = np.kron(RANDOM.integers(0, 256, (NUM, 6, 6, 3), dtype=np.uint8), np.ones((1, 4, 4, 1), np.uint8))
WORKFLOW = Path(__file__).resolve().parents[1] / "workflow"


def png(number: int) -> bytes:
    data = io.BytesIO()
    Image.fromarray(PIXELS[number]).save(data, "PNG")
    return data.getvalue()


def folder(path: Path) -> None:
    path.mkdir()
    for number in range(NUM):
        (path / f"{number:02d}.png").write_bytes(png(number))


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, io.BytesIO(data))


def tar(path: Path, layout: int = tarfile.GNU_FORMAT) -> None:
    """In no order, below `./`, with a long name among them and a text beside each."""
    with tarfile.open(path, "w", format=layout) as archive:
        for number in RANDOM.permutation(NUM).tolist():
            add(archive, f"./{'long' * 40}/{number:02d}.png", png(number))
            add(archive, f"./{number:02d}.cls", b"3")


def zip_file(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(NUM):
            archive.writestr(f"{number:02d}.png", png(number))


def parquet_file(path: Path, first: int = 0, last: int = NUM, **more: Any) -> None:
    rows = [{"bytes": png(number), "path": f"{number}.png"} for number in range(first, last)]
    pq.write_table(pa.table({"image": rows} | more), path, row_group_size=4)


def parquet_folder(path: Path) -> None:
    (path / "data").mkdir(parents=True)
    for part, (first, last) in enumerate(((0, 10), (10, 11), (11, NUM))):
        parquet_file(path / f"data/train-{part:05d}-of-00003.parquet", first, last)
    (path / "README.md").write_text("a data set")


def parquet_bytes(path: Path) -> None:
    pq.write_table(pa.table({"jpg": [png(number) for number in range(NUM)], "text": ["x"] * NUM}), path)


def lsun(path: Path, subdir: bool = True) -> None:
    write_lmdb(path, {f"{number:040d}".encode(): png(number) for number in range(NUM)}, subdir)


def write_lmdb(path: Path, items: dict[bytes, bytes], subdir: bool = True) -> None:
    with lmdb.open(str(path), map_size=1 << 26, subdir=subdir) as environment, environment.begin(write=True) as writes:
        for key, value in items.items():
            writes.put(key, value)


def stylegan_items(*sizes: int) -> dict[bytes, bytes]:
    items = {b"length": str(NUM).encode()}
    for size in sizes:
        for number in range(NUM):
            data = io.BytesIO()
            Image.fromarray(PIXELS[number]).resize((size, size), Image.Resampling.NEAREST).save(data, "PNG")
            items[f"{size}-{number:05d}".encode()] = data.getvalue()
    return items


CONTAINERS: dict[str, Callable[[Path], None]] = {
    "folder": folder,
    "images.zip": zip_file,
    "images.tar": tar,
    "pax.tar": lambda path: tar(path, tarfile.PAX_FORMAT),
    "renamed_tar": tar,
    "images.npy": lambda path: np.save(path, PIXELS),
    "fortran.npy": lambda path: np.save(path, np.asfortranarray(PIXELS)),
    "images.npz": lambda path: np.savez(path, PIXELS, mu=np.zeros(8), sigma=np.zeros((8, 8))),
    "named.npz": lambda path: np.savez(path, samples=PIXELS, step=np.array(3)),
    "compressed.npz": lambda path: np.savez_compressed(path, PIXELS, np.arange(NUM)),
    "images.parquet": parquet_file,
    "parquet": parquet_folder,
    "bytes.parquet": parquet_bytes,
    "lsun_lmdb": lsun,
    "images.lmdb": lambda path: lsun(path, subdir=False),
    "stylegan.lmdb": lambda path: write_lmdb(path, stylegan_items(SIDE)),
}


def read(path: Path, first: int, last: int, seed: int | None = None, **more: Any) -> np.ndarray:
    images = open_images([path], first, last, Preparation(SIDE), seed, **more)
    found = list(images.batches(4))
    assert np.concatenate([index for index, _ in found]).tolist() == list(range(first, last + 1)), images.skipped
    return np.concatenate([pixels for _, pixels in found])


def source(path: Path, **settings: Any) -> census.Held:
    config = toy.configuration(sources={"it": {"kind": "folder", "path": str(path)} | settings})
    return census.census(config, ["it"])["it"]


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_holds_what_a_folder_would(tmp_path: Path, name: str) -> None:
    CONTAINERS[name](tmp_path / name)
    held = source(tmp_path / name)
    assert held.total == held.seen.images == NUM
    assert np.array_equal(read(tmp_path / name, 0, NUM - 1), PIXELS)
    assert np.array_equal(read(tmp_path / name, 9, 13), PIXELS[9:14])
    folder(tmp_path / "same")
    random = [read(path, 3, 20, seed=1) for path in (tmp_path / name, tmp_path / "same")]
    assert np.array_equal(*random) and not np.array_equal(random[0], PIXELS[3:21])


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_changed_container_changes_its_digest_and_stops_a_planned_shard(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    CONTAINERS[name](path)
    held = source(path)
    digest, planned = held.digest(3, 5), held.plan(3, 5)
    assert source(path).digest(3, 5) == digest
    read(path, 3, 5, plan=Plan(digest=planned))
    file = path if path.is_file() else next(file for file in (path / "03.png", *path.rglob("*0-of*"), path / "data.mdb")
                                            if file.is_file())  # fmt: skip
    os.utime(file, (1, 1))
    assert source(path).digest(3, 5) != digest and source(path).plan(3, 5) == planned


def test_batches_can_be_asked_for_again(tmp_path: Path) -> None:
    for name in ("compressed.npz", "images.parquet"):
        CONTAINERS[name](tmp_path / name)
        images = open_images([tmp_path / name], 2, 11, Preparation(SIDE))
        next(images.batches(3))
        assert np.array_equal(np.concatenate([pixels for _, pixels in images.batches(3)]), PIXELS[2:12])


def test_members_of_a_tar_file_are_told_and_the_last_of_a_name_counts(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for number in (0, 1):
            add(archive, "cat/a.png", png(number))
        add(archive, "._a.png", b"x")
        add(archive, "notes.txt", b"x")
        for name, kind, target in (("hard.png", tarfile.LNKTYPE, "cat/a.png"), ("soft.png", tarfile.SYMTYPE, "a.png")):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, target
            archive.addfile(link)
    held = source(tmp_path / "a.tar")
    assert [entry.name for entry in held.entries] == ["cat/a.png", "hard.png"]
    assert (held.seen.repeated, held.seen.dangling, held.seen.hidden, held.seen.others[".txt"]) == (1, 1, 1, 1)
    assert np.array_equal(read(tmp_path / "a.tar", 0, 1), PIXELS[[1, 1]])


@pytest.mark.parametrize("cut", [-1, -1024, 0.5, 0.501, 600, 300])
def test_a_cut_tar_file_is_one_line(tmp_path: Path, cut: float) -> None:
    """Anywhere: in an image, in a header, at the end mark, between two members."""
    tar(tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar") as archive:
        members = archive.getmembers()
    end = members[-1].offset_data + 512
    length = {-1: end, -1024: members[-1].offset, 0.5: members[9].offset_data + 9, 0.501: members[9].offset + 99}
    data = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(data[: length.get(cut, int(cut))])
    with pytest.raises(
        UserError, match=r"a\.tar: (a damaged tar file \(.*\); copy or download it|no tar file, or a dam)"
    ):
        source(tmp_path / "a.tar")


@pytest.mark.parametrize(("mode", "words"), [("w:gz", "gzip"), ("w:bz2", "bzip2"), ("w:xz", "xz")])
def test_a_tar_file_that_is_compressed_as_a_whole_says_what_to_do(tmp_path: Path, mode: str, words: str) -> None:
    with tarfile.open(tmp_path / "a.tar.x", mode) as archive:
        add(archive, "a.png", png(0))
    with pytest.raises(UserError, match=rf"compressed by {words} as a whole, so .*; unpack it \(tar xf\), and give"):
        source(tmp_path / "a.tar.x")


def test_only_the_image_asked_for_is_read_of_arrays(tmp_path: Path) -> None:
    """Gigabytes of which none is in memory: a sparse .npy, and .npz of zeros, compressed and stored."""
    with (tmp_path / "large.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": (40_000, 256, 256, 3)}
        )
        file.truncate(file.tell() + 40_000 * 256 * 256 * 3)
    zeros = np.zeros((1500, 256, 256, 3), np.uint8)
    np.savez_compressed(tmp_path / "large.npz", zeros)
    np.savez(tmp_path / "stored.npz", zeros)
    script = """
import resource, sys
from lacuna.data import open_images
from lacuna.data.held import Plan
from lacuna.data.preparation import Preparation
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
list(open_images([sys.argv[1]], 3, 3, Preparation(32)).batches(1))
before = peak()
for path in sys.argv[1:]:
    assert len(list(open_images([path], 1200, 1203, Preparation(32)).batches(2))) == 2
print(peak() - before)
"""
    paths = [str(tmp_path / name) for name in ("large.npy", "large.npz", "stored.npz")]
    words = [sys.executable, "-c", script, *paths]
    grown_kb = int(subprocess.run(words, cwd=WORKFLOW, capture_output=True, check=True).stdout)
    assert grown_kb < 64_000  # 295 MB an .npz


def object_array() -> np.ndarray:
    found = np.empty(3, object)
    found[:] = [PIXELS[0]] * 3
    return found


ARRAYS: list[tuple[str, Callable[[Path], None], str]] = [
    ("float.npy", lambda p: np.save(p, (PIXELS / 255).astype(np.float32)),
     r"float32 \(25, 24, 24, 3\), expected images as uint8 \(N, H, W, 3\); bring the values to 0 to 255"),
    ("planes.npy", lambda p: np.save(p, PIXELS.transpose(0, 3, 1, 2)), r"swap its axes with .transpose\(0, 2, 3, 1\)"),
    ("gray.npy", lambda p: np.save(p, PIXELS[..., :1]), r"uint8 \(25, 24, 24, 1\), .*; images are RGB"),
    ("rgba.npy", lambda p: np.save(p, np.zeros((2, 9, 9, 4), np.uint8)), r"uint8 \(2, 9, 9, 4\), .*; images are RGB"),
    ("one.npy", lambda p: np.save(p, PIXELS[0]), r"uint8 \(24, 24, 3\), .*; images are RGB"),
    ("tiny.npy", lambda p: np.save(p, PIXELS[:, :5]), "at least 8 pixels per side"),
    ("none.npy", lambda p: np.save(p, PIXELS[:0]), "no images in it"),
    ("objects.npy", lambda p: np.save(p, object_array()), "object .*; pickled objects are not read"),
    ("objects.npz", lambda p: np.savez(p, object_array()), "arr_0: object .*; pickled objects are not read"),
    ("float.npz", lambda p: np.savez(p, PIXELS / 255), "arr_0: float64 .*, expected images as uint8"),
    ("fid.npz", lambda p: np.savez(p, mu=np.zeros(4), sigma=np.zeros((4, 4))),
     r"holds mu float64 \(4,\), sigma float64 \(4, 4\), expected arr_0 of images"),
    ("two.npz", lambda p: np.savez(p, a=PIXELS, b=PIXELS), r"holds a uint8 .*, b uint8 .*, expected arr_0 of images"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "write", "words"), ARRAYS, ids=[name for name, *_ in ARRAYS])
def test_arrays_of_anything_else_are_one_line(
    tmp_path: Path, name: str, write: Callable[[Path], None], words: str
) -> None:
    write(tmp_path / name)
    with pytest.raises(UserError, match=rf"{name}.*{words}"):
        source(tmp_path / name)


def test_cut_files_of_arrays_and_parquet_are_one_line(tmp_path: Path) -> None:
    for name, words in (("images.npy", "cut short of its 25 images"), ("images.npz", "a damaged zip file"),
                        ("images.parquet", "a damaged parquet file")):  # fmt: skip
        CONTAINERS[name](tmp_path / name)
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) * 2 // 3])
        with pytest.raises(UserError, match=rf"{name}: {words}.*; copy or download it again"):
            source(tmp_path / name)
    (tmp_path / "head.npy").write_bytes(b"\x93NUMPY\x01\x00v\x00{'descr'")
    with pytest.raises(UserError, match=r"head\.npy: a damaged array \(.*\); copy or download it again"):
        source(tmp_path / "head.npy")


@pytest.mark.parametrize("seed", [None, 1])
def test_damaged_data_leaves_images_out_by_name(tmp_path: Path, seed: int | None) -> None:
    """Behind a sound header: the rest of a compressed array, two row groups of parquet."""
    np.savez_compressed(tmp_path / "a.npz", RANDOM.integers(0, 256, PIXELS.shape, dtype=np.uint8))
    parquet_file(tmp_path / "a.parquet")
    for name, least in (("a.npz", 1), ("a.parquet", NUM - 8)):
        data = bytearray((tmp_path / name).read_bytes())
        middle = len(data) // 2
        data[middle : middle + 300] = b"\xff" * 300
        (tmp_path / name).write_bytes(bytes(data))
        images = open_images([tmp_path / name], 0, NUM - 1, Preparation(SIDE), seed)
        found = [number for index, _ in images.batches(4) for number in index.tolist()]
        assert least <= len(found) < NUM
        assert sorted([*found, *(row.index for row in images.skipped)]) == list(range(NUM))


def test_parquet_without_images_is_one_line(tmp_path: Path) -> None:
    tables = {
        "text.parquet": ({"text": ["a"], "label": [1]}, r"no column image of encoded images among text \(string\)"),
        "list.parquet": ({"image": [[1, 2, 3]]}, r"no column image .* among image \(list<.*>\); name it so"),
        "two.parquet": ({"a": [b"x"], "b": [b"x"]}, "no column image"),
        "none.parquet": ({"image": pa.array([], pa.binary())}, "no images in it"),
    }
    for name, (columns, words) in tables.items():
        pq.write_table(pa.table(columns), tmp_path / name)
        with pytest.raises(UserError, match=rf"{name}: {words}"):
            source(tmp_path / name)
    (tmp_path / "fake.parquet").write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1")
    with pytest.raises(UserError, match="a damaged parquet file"):
        source(tmp_path / "fake.parquet")


def test_parquet_rows_are_named_by_file_row_and_path_and_may_lack_an_image(tmp_path: Path) -> None:
    rows = [
        {"bytes": png(0), "path": "ann/0.png"},
        {"bytes": None, "path": "/old/1.png"},
        {"bytes": png(2), "path": None},
    ]
    pq.write_table(pa.table({"image": [*rows, None, {"bytes": b"no image", "path": "x.png"}]}), tmp_path / "a.parquet")
    container, _ = surveyed(tmp_path / "a.parquet")
    names = ["a/0/ann/0.png", "a/1//old/1.png", "a/2", "a/3", "a/4/x.png"]
    assert [entry.name for entry in container.at(range(5))] == names
    images = open_images([tmp_path / "a.parquet"], 0, 4, Preparation(SIDE))
    assert [index.tolist() for index, _ in images.batches(5)] == [[0, 2]]
    assert [row.name for row in images.skipped] == [names[1], names[3], names[4]]
    assert "only names a path; save the dataset with its images in it" in images.skipped[0].reason


def test_a_row_group_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parquet_file(tmp_path / "a.parquet")
    groups: list[int] = []
    whole = parquet._of_group

    def counted(file: Any, column: str, group: int, *rest: Any) -> Any:
        groups.append(group)
        return whole(file, column, group, *rest)

    monkeypatch.setattr(parquet, "_of_group", counted)
    for seed, expected in ((None, [1, 2, 3]), (1, list(range(7)))):
        container, _ = surveyed(tmp_path / "a.parquet")
        numbers = range(5, 14) if seed is None else np.random.default_rng(seed).permutation(NUM).tolist()
        wanted = container.at(numbers)
        groups.clear()
        serve = container.reader(wanted)
        assert [serve(entry.name) for entry in wanted] == [png(number) for number in numbers]
        assert groups == expected


def test_an_lmdb_of_several_sizes_wants_one_said(tmp_path: Path) -> None:
    write_lmdb(tmp_path / "faces", stylegan_items(8, 24, 48))
    with pytest.raises(UserError, match=r"images of several sizes \(8, 24, 48\); say one as the source's stored_size"):
        source(tmp_path / "faces")
    with pytest.raises(UserError, match="no images of 64 pixels, those there are of 8, 24, 48; correct stored_size"):
        source(tmp_path / "faces", stored_size=64)
    assert source(tmp_path / "faces", stored_size=24).total == NUM
    assert np.array_equal(read(tmp_path / "faces", 2, 9, stored_size=24), PIXELS[2:10])
    images = open_images([tmp_path / "faces"], 0, 3, Preparation(SIDE), stored_size=48)
    list(images.batches(4))
    assert images.resolutions == (48, 48)
    write_lmdb(tmp_path / "one", {b"0" * 40: png(0), b"1" * 40: png(1), b"length": b"2"})  # of no port
    assert source(tmp_path / "one").total == 3
    with pytest.raises(UserError, match="holds each image once, expected no stored_size; leave it out"):
        source(tmp_path / "one", stored_size=24)


def test_images_beyond_the_hundred_thousandth_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    write_lmdb(tmp_path / "a", {b"8-99999": png(0), b"8-100000": png(1), b"length": b"100001"})
    container, listing = surveyed(tmp_path / "a")
    assert listing.total == 100_001
    assert [entry.name for entry in container.at([7, 99_999, 100_000])] == ["8-00007", "8-99999", "8-100000"]


def test_an_empty_lmdb_and_a_lsun_source_that_is_none_are_one_line(tmp_path: Path) -> None:
    write_lmdb(tmp_path / "empty", {})
    with pytest.raises(UserError, match="no images in it"):
        source(tmp_path / "empty")
    CONTAINERS["images.npy"](tmp_path / "a.npy")
    with pytest.raises(UserError, match="expected the unpacked LMDB of LSUN"):
        source(tmp_path / "a.npy", kind="lsun")
    lsun(tmp_path / "rooms")
    assert is_lmdb(tmp_path / "rooms/data.mdb") and source(tmp_path / "rooms/data.mdb", kind="lsun").total == NUM


def gathered(path: Path, shard: Path, last: int) -> tuple[list[int], list[int], list[str]]:
    """First pixel and label of each image of a shard, and the class names."""
    words = ["--path", str(path), "--size", str(SIDE), "--first", "0", "--last", str(last), "--shard", str(shard)]
    gather.main([*words, "--code", "digest"])
    with h5py.File(shard) as file:
        numbers = [int(np.flatnonzero((image == PIXELS).all(axis=(1, 2, 3)))[0]) for image in file["images"][:]]
        return numbers, file["label"][:].tolist(), json.loads(file.attrs["vocabulary"])["scene"]


def test_labels_of_files_go_round_the_classes_as_subfolders_do(tmp_path: Path) -> None:
    labels = [2, 0, 0, 2, 0, 3]
    names = ["ape", "bat", "cat", "dog"]
    features = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
    parquet_file(tmp_path / "a.parquet", 0, 6, label=labels)
    named = pq.read_table(tmp_path / "a.parquet").replace_schema_metadata({"huggingface": json.dumps(features)})
    pq.write_table(named, tmp_path / "named.parquet", row_group_size=2)
    parquet_file(tmp_path / "text.parquet", 0, 6, label=[names[label] for label in labels])
    np.savez(tmp_path / "a.npz", PIXELS[:6], np.array(labels))
    np.savez_compressed(tmp_path / "compressed.npz", PIXELS[:6], np.array(labels, np.uint8))
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for number, label in enumerate(labels):
            add(archive, f"{names[label]}/{number}.png", png(number))
    numbers, codes = [1, 0, 5, 2, 3, 4], [0, 2, 3, 0, 2, 0]
    digits = ["0", "1", "2", "3"]
    for name, classes in (
        ("a.parquet", digits),
        ("named.parquet", names),
        ("a.npz", digits),
        ("compressed.npz", digits),
    ):
        assert gathered(tmp_path / name, tmp_path / "a.h5", 5) == (numbers, codes, classes), name
    dense = [0, 1, 2, 0, 1, 0]  # where classes are those that there are
    for name in ("text.parquet", "a.tar"):
        assert gathered(tmp_path / name, tmp_path / "a.h5", 5) == (numbers, dense, ["ape", "cat", "dog"]), name


def test_files_without_labels_of_use_are_one_line(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", PIXELS)
    np.savez(tmp_path / "none.npz", PIXELS)
    np.savez(tmp_path / "onehot.npz", PIXELS, np.eye(NUM))
    np.savez(tmp_path / "few.npz", PIXELS, np.arange(NUM - 1))
    np.savez(tmp_path / "objects.npz", PIXELS, object_array())
    np.savez(tmp_path / "negative.npz", PIXELS, np.full(NUM, -1))
    parquet_file(tmp_path / "none.parquet")
    parquet_file(tmp_path / "test.parquet", label=[0, -1] + [2] * (NUM - 2))
    parquet_file(tmp_path / "null.parquet", label=[0, None] + [2] * (NUM - 2))
    lsun(tmp_path / "lsun")
    for name, words in (
        ("a.npy", "a .npy file holds no labels; give an .npz"), ("none.npz", "no arr_1 in it, expected the label"),
        ("onehot.npz", r"arr_1 is float64 \(25, 25\), expected .* integers \(25,\)"),
        ("few.npz", r"arr_1 is int64 \(24,\)"),
        ("objects.npz", "arr_1 is object"), ("negative.npz", "arr_1 holds -1, expected labels from 0"),
        ("none.parquet", "no column label, expected one beside image"), ("test.parquet", "column label holds -1"),
        ("null.parquet", "column label holds None"), ("lsun", "an LMDB holds no labels"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=rf"{name}: {words}"):
            source(tmp_path / name, kind="labelled", size=16)


def test_a_stream_begins_again_where_images_are_left_out() -> None:
    asked: list[list[int]] = []

    def stream(numbers: Any) -> Any:
        asked.append(list(numbers))
        return (str(number).encode() for number in numbers)

    serve = in_order.served([2, 5, 6, 9], stream)
    assert [serve(number) for number in (2, 5, 9, 2)] == [b"2", b"5", b"9", b"2"]
    assert asked == [[2, 5, 6, 9], [9], [2, 5, 6, 9]]
    with pytest.raises(OSError, match="damage"):
        in_order.served([3, 1], lambda numbers: iter([b"x", OSError("damage")]))(3)
