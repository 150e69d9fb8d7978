"""`web/` is checked before anything is touched."""

from pathlib import Path

import pytest

from components import website
from policy import UserError

ROOT = Path(__file__).parents[2]


def site(folder: Path, **files: str) -> Path:
    web = folder / "web"
    (web / ".well-known").mkdir(parents=True)
    for name, text in {"index.html": "hi", **files}.items():
        (web / name).write_text(text)
    return web


def test_the_projects_own_pages_pass() -> None:
    files = website.read(ROOT / "web")
    assert {"index.html", "404.html", "style.css", "staticwebapp.config.json"} == set(files)
    for page in ("index.html", "404.html"):
        assert "http-equiv" not in files[page]
        assert "src=" not in files[page]


def test_a_file_that_is_not_text_travels_as_data(tmp_path: Path) -> None:
    web = site(tmp_path)
    (web / "logo.png").write_bytes(b"\x89PNG\xff")
    assert website.read(web)["logo.png"] == "data:;base64,iVBOR/8="


def test_what_a_desktop_leaves_behind_is_not_published(tmp_path: Path) -> None:
    web = site(tmp_path, **{".DS_Store": "x", ".well-known/security.txt": "y"})
    assert set(website.read(web)) == {"index.html", ".well-known/security.txt"}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({".well-known/mta-sts.txt": "x"}, "delete the file"),
        ({"staticwebapp.config.json": "{"}, "can't be read"),
        ({"staticwebapp.config.json": '{"rutes": []}'}, "'rutes' is unknown"),
        ({"staticwebapp.config.json": '{"navigationFallback": {}}'}, "navigationFallback"),
        ({"staticwebapp.config.json": '{"routes": [{"route": "/.well-known/*"}]}'}, "certificate renewal"),
        ({"staticwebapp.config.json": '{"routes": [{"route": "/*"}]}'}, "certificate renewal"),
        ({"staticwebapp.config.json": '{"routes": [{}]}'}, "can't be read"),
    ],
)
def test_what_would_break_the_policy_is_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(website.UserError, match=message):
        website.read(site(tmp_path, **files))


def test_a_site_without_an_index_is_refused(tmp_path: Path) -> None:
    web = site(tmp_path)
    (web / "index.html").unlink()
    with pytest.raises(website.UserError, match="index.html is missing"):
        website.read(web)


def test_a_link_is_refused_since_what_it_leads_to_would_be_published(tmp_path: Path) -> None:
    web = site(tmp_path)
    (tmp_path / "secret").write_text("key")
    (web / "logo.svg").symlink_to(tmp_path / "secret")
    (web / "more").symlink_to(tmp_path)
    with pytest.raises(UserError) as told:
        website.read(web)
    assert "web/logo.svg is a link" in str(told.value)
    assert "web/more is a link" in str(told.value)
    assert "key" not in str(told.value)


def test_a_configuration_further_down_is_refused(tmp_path: Path) -> None:
    web = site(tmp_path)
    (web / "sub").mkdir()
    (web / "sub" / "staticwebapp.config.json").write_text("{}")
    with pytest.raises(
        UserError, match=r"web/sub/staticwebapp.config.json .* only web/staticwebapp.config.json counts"
    ):
        website.read(web)
