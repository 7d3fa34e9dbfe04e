"""Results on disk: one netCDF file for each run."""

from functools import lru_cache
from pathlib import Path

import xarray as xr

from sup.config.settings import Settings
from sup.results.netcdf import encoded
from sup.results.reading import read, read_settings
from sup.system.files import replacing
from sup.system.paths import absence

FILE = "results.nc"


def save(results: xr.Dataset, directory: Path) -> Path:
    """Write `results.nc`, at once or not at all, and return its path."""
    path = directory / FILE
    directory.mkdir(parents=True, exist_ok=True)
    # In memory first: where there is no room on the disk, HDF5 ends the whole process.
    content = encoded(results)
    with replacing(path) as unfinished:
        unfinished.write_bytes(content)
    return path


def load_run(path: str | Path) -> xr.Dataset:
    """Load the results of one run.

    Args:
        path: a run's directory, or its `results.nc`.

    Returns:
        A dataset in memory, whose dimensions are the run's axes by name, then those of an instance.
        Its variables: ``W [..., hidden, feature]``, ``b [..., feature]``, ``loss [...]`` (held-out,
        ``sum_i I_i mean (x_i - x'_i)^2``) and ``loss_error [...]``, its standard error (for up
        to three features, of which nothing is sampled, by what more nodes of the integral changed
        it: 0 where it is exact), ``explained [..., feature]``, R2_i, the share of each
        feature's variance that its reconstruction explains, and ``features_explained [...]``, for
        how many it is above 0.5 (earlier results have neither),
        ``training_loss [..., step]``, ``training_W [..., snapshot, hidden, feature]`` of small
        models, ``diverged`` and ``first_bad_step [...]``, where the best possible model is known
        ``optimum_loss``, ``loss_gap`` and ``optimum_phase [...]`` (see `sup.results.optima`), and
        every measure of `sup.metrics` by its name. Settings are coordinates; name, overrides,
        config, versions, device, wall_time and instances_in_stack are attributes.

    The file may be anybody's: nothing that it names is imported, run or fetched.

    Raises:
        FileNotFoundError: where there are no results.
        SettingError: where they cannot be read.
    """
    path = Path(path)
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        if not path.exists():
            raise FileNotFoundError(f"{path}: {absence(path)}")
        is_sweep = path.is_dir() and next(path.glob(f"*/{FILE}"), None) is not None
        advice = "it is a sweep: sup.load_sweep" if is_sweep else "a run writes it when it ends"
        raise FileNotFoundError(f"{path}: no {FILE} here; {advice}")
    return read(file)


def settings_of(directory: Path) -> Settings | None:
    """Return the settings of the results in a run's directory; None where there are none.

    Raises:
        SettingError: where they cannot be read.
    """
    file = directory / FILE
    return _settings(file, file.stat().st_mtime_ns) if file.is_file() else None


@lru_cache(maxsize=4096)  # a sweep asks for those of all its runs several times
def _settings(file: Path, modified: int) -> Settings:
    return read_settings(file)


def finite(results: xr.Dataset) -> xr.Dataset:
    """Blank the weights of instances that have diverged, whose last finite ones mean nothing."""
    sound = ~results["diverged"].astype(bool)
    weights = [name for name in ("W", "b", "training_W") if name in results]
    return results.assign({name: results[name].where(sound) for name in weights})
