"""get_file against a server on this machine: cache, hashes, failures, archives that break out."""

import hashlib
import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from web import serving

from nnseq.utils import get_file
from nnseq.utils.archives import extract_archive

TEXT = b"some text, " * 20_000


def tar_of(**files):
    """A tar.gz; a value that is a str is a symbolic link."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            if isinstance(data, str):
                member.type, member.linkname = tarfile.SYMTYPE, data
                archive.addfile(member)
            else:
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def zip_of(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture
def server():
    files = {"a/text.txt": TEXT, "cut.txt": TEXT, "text.txt?version=2": TEXT}
    with serving(files) as (url, asked):
        yield files, url, asked


def test_download_and_cache(server, tmp_path, capsys):
    _, url, asked = server
    path = get_file(origin=url + "a/text.txt", cache_dir=tmp_path)
    assert path == str(tmp_path / "datasets" / "text.txt")
    assert Path(path).read_bytes() == TEXT
    printed = capsys.readouterr().out
    assert f"Downloading data from {url}a/text.txt" in printed
    assert f"{len(TEXT)}/{len(TEXT)}" in printed
    assert get_file(origin=url + "a/text.txt", cache_dir=tmp_path) == path
    assert len(asked) == 1
    get_file(origin=url + "a/text.txt", cache_dir=tmp_path, force_download=True)
    assert len(asked) == 2
    other = get_file("mine", url + "text.txt?version=2", cache_dir=tmp_path, cache_subdir="b/c")
    assert other == str(tmp_path / "b" / "c" / "mine")
    absolute = get_file(origin=url + "text.txt?version=2", cache_subdir=str(tmp_path / "d"))
    assert absolute == str(tmp_path / "d" / "text.txt")


def test_keras_home(server, tmp_path, monkeypatch):
    _, url, _ = server
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    path = get_file(origin=url + "a/text.txt")
    assert path == str(tmp_path / "home" / "datasets" / "text.txt")
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    path = get_file(origin=url + "a/text.txt")
    assert path == str(tmp_path / "me" / ".keras" / "datasets" / "text.txt")


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_hashes(server, tmp_path, algorithm, capsys):
    files, url, asked = server
    right = hashlib.new(algorithm, TEXT).hexdigest()
    for options in ({"file_hash": right}, {"file_hash": right, "hash_algorithm": algorithm}):
        path = get_file(origin=url + "a/text.txt", cache_dir=tmp_path, **options)
        assert Path(path).read_bytes() == TEXT
    assert len(asked) == 1
    Path(path).write_bytes(b"damaged")
    get_file(origin=url + "a/text.txt", cache_dir=tmp_path, file_hash=right)
    assert Path(path).read_bytes() == TEXT and len(asked) == 2
    assert "incomplete or outdated" in capsys.readouterr().out
    if algorithm == "md5":
        get_file(origin=url + "a/text.txt", cache_dir=tmp_path, md5_hash=right)
    files["a/text.txt"] = b"another text"
    before = Path(path).read_bytes()
    with pytest.raises(ValueError, match=f"corrupted.*{right}"):
        get_file(origin=url + "a/text.txt", cache_dir=tmp_path, file_hash=right,
                 force_download=True)  # fmt: skip
    assert Path(path).read_bytes() == before  # the good one is still there, and nothing else
    assert os.listdir(tmp_path / "datasets") == ["text.txt"]


def test_failures_leave_nothing(server, tmp_path):
    _, url, _ = server
    with pytest.raises(OSError, match=r"URL fetch failure on .*nothing.txt: 404 -- Not Found"):
        get_file(origin=url + "nothing.txt", cache_dir=tmp_path)
    with pytest.raises(OSError, match=f"cut.txt: {len(TEXT) // 2} of {len(TEXT)} bytes"):
        get_file(origin=url + "cut.txt", cache_dir=tmp_path)
    with pytest.raises(OSError, match=r"URL fetch failure on http://127.0.0.1:9/x: "):
        get_file(origin="http://127.0.0.1:9/x", cache_dir=tmp_path)
    assert os.listdir(tmp_path / "datasets") == []


def test_what_is_no_name(tmp_path):
    with pytest.raises(ValueError, match="origin"):
        get_file("name")
    for origin in ("http://a.b/", "http://a.b/c/..", "http://a.b"):
        with pytest.raises(ValueError, match="Can't parse the file name"):
            get_file(origin=origin, cache_dir=tmp_path)
    with pytest.raises(ValueError, match="Paths are no longer accepted"):
        get_file("../x", "http://a.b/c", cache_dir=tmp_path)
    with pytest.raises(ValueError, match="hash_algorithm"):
        get_file("x", "http://a.b/c", cache_dir=tmp_path, hash_algorithm="crc")


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_extract(server, tmp_path, make):
    files, url, _ = server
    files["data.tgz"] = make(**{"inner/one.txt": b"1", "two.txt": b"22"})
    for fname, folder in ((None, "data.tgz"), ("named", "named"), ("na.tar.gz", "na_extracted")):
        path = Path(get_file(fname, url + "data.tgz", cache_dir=tmp_path, extract=True))
        assert path == tmp_path / "datasets" / folder
        assert (path / "inner" / "one.txt").read_bytes() == b"1"
        assert (path / "two.txt").read_bytes() == b"22"
    assert (tmp_path / "datasets" / "data.tgz_archive").exists()
    assert (tmp_path / "datasets" / "na.tar.gz").exists()


def test_what_is_no_archive(server, tmp_path):
    _, url, _ = server
    with pytest.warns(UserWarning, match="Could not extract archive"):
        get_file(origin=url + "a/text.txt", cache_dir=tmp_path, extract=True)
    with pytest.raises(NotImplementedError, match="'rar'"):
        extract_archive(tmp_path / "datasets" / "text.txt_archive", tmp_path / "out", "rar")
    assert not extract_archive(tmp_path / "datasets" / "text.txt_archive", tmp_path / "out", None)


ATTACKS = {
    "parent.tar": tar_of(**{"../escaped": b"x"}),
    "deeper.tar": tar_of(**{"a/../../escaped": b"x"}),
    "parent.zip": zip_of(**{"../escaped": b"x"}),
    "link.tar": tar_of(**{"l": "..", "l/escaped": b"x"}),
    "link_to_file.tar": tar_of(**{"l": "../escaped", "l ": b"y"}),
}


@pytest.mark.parametrize("name", [*ATTACKS, "absolute.tar", "absolute.zip"])
def test_archives_cannot_break_out(tmp_path, name):
    attack = ATTACKS.get(name)
    if attack is None:
        make = tar_of if name.endswith("tar") else zip_of
        attack = make(**{str(tmp_path / "escaped"): b"x"})
    (tmp_path / name).write_bytes(attack)
    with pytest.warns(UserWarning, match="Skipping invalid path"):
        assert extract_archive(tmp_path / name, tmp_path / "out")
    assert not (tmp_path / "escaped").exists()
    inside = [p for p in (tmp_path / "out").rglob("*") if p.is_symlink()]
    assert inside == []


def test_links_inside_of_an_archive_become_copies(tmp_path):
    (tmp_path / "a.tar").write_bytes(tar_of(**{"d/file": b"x", "d/link": "file", "self": "self"}))
    with pytest.warns(UserWarning, match="path during archive extraction: 'self'"):
        assert extract_archive(tmp_path / "a.tar", tmp_path / "out")
    link = tmp_path / "out" / "d" / "link"
    assert link.read_bytes() == b"x" and not link.is_symlink()
    assert not (tmp_path / "out" / "self").exists()


def test_a_broken_archive_leaves_no_half(tmp_path):
    whole = tar_of(**{f"{i}": os.urandom(1000) for i in range(50)})
    (tmp_path / "half.tar.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises((EOFError, tarfile.TarError)):
        extract_archive(tmp_path / "half.tar.gz", tmp_path / "out", "tar")
    assert not (tmp_path / "out").exists()
