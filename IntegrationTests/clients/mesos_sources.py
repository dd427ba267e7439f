"""Completes the environment of mesos-requirements.txt: http-parser, whose C part no longer compiles, as pure Python.

Run with the environment's own interpreter, after its packages are installed.
"""

import pathlib
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile

PACKAGE, MODULE = "http-parser==0.9.0", "http_parser"

with tempfile.TemporaryDirectory() as folder:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run(pip + ["--dest", folder, PACKAGE], check=True)
    (archive,) = pathlib.Path(folder).glob("*.tar.gz")
    with tarfile.open(archive) as sources:
        sources.extractall(folder)
    (module,) = pathlib.Path(folder).glob(f"*/{MODULE}")
    # Without the compiled parser the package falls back to the one in Python that it brings along.
    only_python = shutil.ignore_patterns("*.so", "*.c", "*.h", "__pycache__")
    shutil.copytree(module, pathlib.Path(sysconfig.get_path("purelib")) / MODULE, ignore=only_python)
