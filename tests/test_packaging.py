"""What is installed is what the checkout has, and pySigma's namespace is left alone."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
SITES = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Standard output of a command that must succeed, away from the checkout and without its PYTHONPATH."""
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        # pySigma prints sets, in an order of the hash seed.
        env={**kept, "PYTHONUTF8": "1", "PYTHONHASHSEED": "0", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the checkout. Without isolation: that would ask the network for the build backend."""
    out = tmp_path_factory.mktemp("wheel")
    # Not in the checkout, where the folder build/ would stand in front of the module.
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """The files in the wheel."""
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment with the wheel in it, which sees this one's other packages."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False)
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", wheel, cwd=home)
    # Behind its own packages. The .pth files of those folders are not read, so an editable install stays out.
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home).strip()
    (Path(site) / "dependencies.pth").write_text("".join(f"{path}\n" for path in SITES), "utf-8")
    return python


def test_the_wheel_holds_the_plugin_the_program_the_pack_and_the_licences(names: set[str]) -> None:
    sources = {
        file.relative_to(ROOT / folder).as_posix(): prefix
        for folder, prefix in (
            ("backend", ""),
            ("sigma", "sigma_t1020/data/sigma/"),
            ("pipelines", "sigma_t1020/data/pipelines/"),
        )
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    expected = {prefix + name for name, prefix in sources.items()}
    assert expected - names == set()
    extra = {name for name in names - expected if ".dist-info/" not in name}
    assert extra == set()
    for needed in (
        "sigma/backends/t1020/__init__.py",
        "sigma/pipelines/t1020/__init__.py",
        "sigma_t1020/py.typed",
        "sigma_t1020/kusto_language/language.js",
        "sigma_t1020/kusto_language/package-lock.json",
        "sigma_t1020/docs/limits.md",
        "sigma_t1020/data/sigma/metadata.yml",
        "sigma_t1020/data/pipelines/t1020_sentinel.yml",
    ):
        assert needed in names
    licences = {name.rpartition("/")[2] for name in names if ".dist-info/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE.md"}


def test_an_installation_brings_no_other_backends_than_that_of_which_the_schemas_are_read(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        required = re.findall(r"^Requires-Dist: (.*)$", archive.read(metadata).decode(), re.MULTILINE)
    backends = {line for line in required if line.startswith("pysigma-backend-") and "extra ==" not in line}
    assert backends == {"pysigma-backend-kusto<2,>=1.0.1"}


def test_no_init_file_hides_pysigma_or_other_plugins(names: set[str]) -> None:
    hiding = {"sigma/__init__.py", "sigma/backends/__init__.py", "sigma/pipelines/__init__.py"}
    assert names & hiding == set()
    assert [name for name in hiding if (ROOT / "backend" / name).exists()] == []
    # Where Python is started in the checkout, sigma/ is a part of pySigma's namespace.
    assert list((ROOT / "sigma").rglob("*.py")) == []


START = """
import sys
from importlib.metadata import entry_points
(program,) = entry_points(group="console_scripts", name=sys.argv.pop(1))
program.load()()
"""


@pytest.mark.parametrize(
    "command",
    ["sigma-t1020 convert --target sentinel", "sigma-t1020 list rules", "sigma list targets", "sigma list pipelines"],
)
def test_the_wheel_does_what_the_checkout_does(installed: Path, tmp_path: Path, command: str) -> None:
    arguments = command.split()
    checkout = run(sys.executable, "-c", START, *arguments, cwd=tmp_path, PYTHONPATH=str(ROOT / "backend"))
    assert checkout
    assert "t1020" in checkout or arguments[0] == "sigma-t1020"
    assert run(installed, "-c", START, *arguments, cwd=tmp_path) == checkout


def test_the_installed_program_is_the_wheel_s(installed: Path, tmp_path: Path) -> None:
    where = run(installed, "-c", "import sigma_t1020; print(sigma_t1020.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(installed.parents[1])
    script = installed.with_name("sigma-t1020.exe" if os.name == "nt" else "sigma-t1020")
    assert run(script, "--version", cwd=tmp_path).startswith("sigma-t1020")


@pytest.mark.parametrize(
    "arguments", [(), ("--help",), ("convert", "--help"), ("help",), ("help", "limits")], ids=" ".join
)
def test_help_loads_neither_pysigma_nor_yaml_nor_rich(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    code = (
        "import sys; from sigma_t1020 import cli\n"
        "if sys.argv[1:]: cli.cli(standalone_mode=False)\n"
        # A namespace package has no file, and the modules of this plugin are not pySigma.
        "files = {name for name, module in sys.modules.items() if getattr(module, '__file__', None)}\n"
        "found = {name.split('.')[0] for name in files if not name.startswith('sigma.backends.t1020')}\n"
        "print('loaded', *sorted({'sigma', 'yaml', 'rich', 'requests', 'jinja2'} & found))"
    )
    printed = run(sys.executable, "-c", code, *arguments, cwd=tmp_path, PYTHONPATH=str(ROOT / "backend"))
    assert printed.splitlines()[-1] == "loaded"


def test_nothing_tracked_says_where_it_was_written() -> None:
    texts = _tracked()
    # The folder around the checkout counts too, unless it is one that rules and documents speak of (/tmp, /home).
    common = {Path(part) for part in ("/", "/tmp", "/home", "/opt", "/srv", "/usr", "/var", "/root", "/mnt", "/Users")}
    traces = [str(ROOT)] + [f"{parent}/" for parent in (ROOT.parent,) if parent not in common]
    traces += _index_hosts()
    if len(host := socket.gethostname()) > 8:
        traces.append(host)
    offenders = {f"{name}: {trace}" for name, text in texts.items() for trace in traces if trace in text}
    assert offenders == set()


def _tracked() -> dict[str, str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    assert len(files) > 100
    return {name: (ROOT / name).read_text("utf-8", errors="replace") for name in files}


def _index_hosts() -> list[str]:
    """Hosts of the package indexes that this machine is set to use, other than the public ones."""
    settings = " ".join(
        [value for key, value in os.environ.items() if re.match(r"(?i)(pip|npm_config|uv)_", key)]
        + [run(sys.executable, "-m", "pip", "config", "list", cwd=ROOT)]
    )
    hosts = set(re.findall(r"https?://(?:[^/@\s]*@)?([\w.-]+)", settings))
    return sorted(hosts - {"pypi.org", "files.pythonhosted.org", "registry.npmjs.org"})
