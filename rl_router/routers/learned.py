"""Learned values: what `fit` finds out, declared once with its shape, and so saved, checked and forgotten alike.

A `Learned` is a dataclass. Its plain fields are hyper-parameters; a field made by `learned(…)` is set by `fit` and its
name ends in `_`. Arrays go to safetensors, everything else to JSON; nothing that is loaded is ever executed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import UnionType
from typing import Any, ClassVar, Self, Union, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import ConfigDict, TypeAdapter, ValidationError
from scipy import sparse

from rl_router.errors import CheckpointError, RecipeError

Arrays = dict[str, np.ndarray]
Axes = dict[str, int]
SPARSE_PARTS = ("data", "indices", "indptr")


@dataclass(frozen=True)
class Shape:
    """The axes of a learned array, as in "n d"; equal names must have equal sizes. "*" is any shape."""

    axes: str | None
    unknown: bool = False
    """Whether NaN is allowed, and means unknown."""


def learned(axes: str | None = None, *, unknown: bool = False) -> Any:
    """A field that `fit` sets. `axes` makes it an array; without, it is a value for JSON or another `Learned`.

    The axis `m` is the router's models, in the order of `models_`.
    """
    return dataclasses.field(init=False, repr=False, compare=False, metadata={"learned": Shape(axes, unknown)})


class Learned:
    """Base of whatever is fitted and saved. Subclasses are keyword-only dataclasses."""

    __pydantic_config__: ClassVar[ConfigDict] = {"extra": "forbid"}

    @classmethod
    def of_kind(cls, kind: str | None) -> type[Self]:
        """The class that a saved `kind` names. A base class of several kinds overrides this."""
        return cls

    def parameters(self) -> dict[str, Any]:
        """The hyper-parameters by name."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.init}  # type: ignore[arg-type]

    def check_parameters(self) -> None:
        """RecipeError when a hyper-parameter lies outside its type or range."""
        try:
            adapter(type(self)).validate_python(self.parameters())
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise RecipeError(f"{type(self).__name__} got {key} = {first['input']!r}: {first['msg']}") from None

    @property
    def is_fitted(self) -> bool:
        return all(name in self.__dict__ for name, _, _ in learned_fields(type(self)))

    def forget(self) -> None:
        """Back to the hyper-parameters: learned values go, and whatever was computed from them."""
        kept = self.parameters()
        self.__dict__.clear()
        self.__dict__.update(kept)

    def copied(self, **changes: Any) -> Self:
        """Another one that has learned the same, with these hyper-parameters changed. Arrays are shared."""
        other = type(self)(**{**self.parameters(), **changes})
        for name, _, _ in learned_fields(type(self)):
            setattr(other, name, getattr(self, name))
        return other

    def _restored(self) -> None:
        """Called when every learned value has been loaded: raise ValueError for what the shapes alone do not show."""

    def _write_files(self, folder: Path) -> None:
        """Write files of one's own, such as a tokenizer, into `folder`, made on the first use."""

    def _read_files(self, folder: Path) -> None:
        """Read them back; called before `_restored`."""


adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)
_hints: Callable[[Any], dict[str, Any]] = cache(partial(get_type_hints, include_extras=True))


def _learned_fields(kind: Any) -> tuple[tuple[str, Shape, Any], ...]:
    """(name, shape, type hint) of each learned field."""
    hints = _hints(kind)
    fields = dataclasses.fields(kind)
    return tuple((f.name, f.metadata["learned"], hints[f.name]) for f in fields if "learned" in f.metadata)


learned_fields: Callable[[Any], tuple[tuple[str, Shape, Any], ...]] = cache(_learned_fields)


def dumped_parameters(thing: Learned) -> dict[str, Any]:
    """The hyper-parameters as JSON holds them."""
    hints = _hints(type(thing))
    return {name: adapter(hints[name]).dump_python(value, mode="json") for name, value in thing.parameters().items()}


def pack(thing: Learned, arrays: Arrays, folder: Path, prefix: str = "") -> dict[str, Any]:
    """The JSON of `thing`. Its arrays are added to `arrays` under `prefix`, its own files are written to `folder`."""
    values = {
        name: _pack_value(getattr(thing, name), shape, hint, arrays, folder, prefix + name)
        for name, shape, hint in learned_fields(type(thing))
    }
    thing._write_files(folder / prefix.rstrip(".") if prefix else folder)
    kept = {name: value for name, value in values.items() if value is not _IN_ARRAYS}
    return {"parameters": dumped_parameters(thing), "values": kept}


_IN_ARRAYS = object()


def _pack_value(value: Any, shape: Shape, hint: Any, arrays: Arrays, folder: Path, name: str) -> Any:
    if value is None:
        return None
    if isinstance(value, Learned):
        return pack(value, arrays, folder, f"{name}.")
    if _member_class(hint) is not None:
        return [pack(member, arrays, folder, f"{name}.{i}.") for i, member in enumerate(value)]
    if shape.axes is None:
        return adapter(hint).dump_python(value, mode="json")
    if isinstance(value, Mapping):
        arrays.update({f"{name}.{key}": np.ascontiguousarray(array) for key, array in value.items()})
        return sorted(value)
    if sparse.issparse(value):
        arrays.update({f"{name}.{part}": np.ascontiguousarray(getattr(value, part)) for part in SPARSE_PARTS})
        return list(value.shape)
    arrays[name] = np.ascontiguousarray(value)
    return _IN_ARRAYS


def unpack(kind: type[Any], content: Any, arrays: Arrays, folder: Path, axes: Axes, prefix: str = "") -> Any:
    """The thing that `pack` made `content` of, or a CheckpointError. Takes from `arrays` what belongs to it."""
    where = prefix.rstrip(".") or "the router"
    if not isinstance(content, dict) or set(content) != {"parameters", "values"}:
        raise CheckpointError(f"expected parameters and values of {where}")
    parameters, values = content["parameters"], content["values"]
    if not isinstance(parameters, dict) or not isinstance(values, dict):
        raise CheckpointError(f"expected the parameters and values of {where} to be mappings")
    try:
        kind = kind.of_kind(parameters.get("kind"))
        thing = adapter(kind).validate_python(parameters)
    except (ValidationError, RecipeError) as error:
        raise CheckpointError(f"{where} has parameters that do not fit: {reason_of(error)}") from None
    fields = learned_fields(kind)
    unknown = set(values) - {name for name, _, _ in fields}
    if unknown:
        raise CheckpointError(f"{where} holds the unknown value {min(unknown)!r}")
    for name, shape, hint in fields:
        value = _unpack_value(values.get(name, _IN_ARRAYS), shape, hint, arrays, folder, axes, prefix + name)
        setattr(thing, name, value)
        if name == "models_":
            axes = {**axes, "m": len(value)}
    thing._read_files(folder / prefix.rstrip(".") if prefix else folder)
    try:
        thing._restored()
    except (ValueError, IndexError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"the values of {where} do not fit together: {reason_of(error)}") from None
    return thing


def _unpack_value(value: Any, shape: Shape, hint: Any, arrays: Arrays, folder: Path, axes: Axes, name: str) -> Any:
    if value is None:
        if not _is_optional(hint):
            raise CheckpointError(f"{name} is empty")
        return None
    member = _member_class(hint)
    if member is not None:
        if not isinstance(value, list):
            raise CheckpointError(f"expected a list in {name}")
        parts = enumerate(value)
        return tuple(unpack(member, part, arrays, folder, dict(axes), f"{name}.{i}.") for i, part in parts)
    component = _component_class(hint)
    if component is not None:
        return unpack(component, value, arrays, folder, dict(axes), f"{name}.")
    if shape.axes is None:
        return _plain_value(value, hint, name)
    if value is _IN_ARRAYS:
        return _checked_array(arrays, name, shape, axes)
    if isinstance(value, list) and all(isinstance(key, str) for key in value):
        return {key: _checked_array(arrays, f"{name}.{key}", shape, axes) for key in value}
    return _checked_sparse(value, arrays, name, shape, axes)


def _plain_value(value: Any, hint: Any, name: str) -> Any:
    if value is _IN_ARRAYS:
        raise CheckpointError(f"{name} is missing")
    try:
        return TypeAdapter(hint).validate_python(value)
    except ValidationError as error:
        raise CheckpointError(f"{name} does not fit: {reason_of(error)}") from None


def _checked_array(arrays: Arrays, name: str, shape: Shape, axes: Axes) -> np.ndarray:
    array = arrays.pop(name, None)
    if array is None:
        raise CheckpointError(f"the array {name} is missing")
    if array.dtype.kind not in "fiub":
        raise CheckpointError(f"the array {name} has the type {array.dtype}, which holds no plain numbers")
    _check_axes(array.shape, name, shape, axes)
    numbers = array[~np.isnan(array)] if shape.unknown and array.dtype.kind == "f" else array
    if not np.isfinite(numbers).all():
        raise CheckpointError(f"the array {name} holds values that are no finite numbers")
    return array


def _checked_sparse(value: Any, arrays: Arrays, name: str, shape: Shape, axes: Axes) -> sparse.csr_matrix:
    if not (isinstance(value, list) and len(value) == 2 and all(type(size) is int and size >= 0 for size in value)):
        raise CheckpointError(f"expected two sizes of the sparse array {name}, got {value!r}")
    data, indices, indptr = (_checked_array(arrays, f"{name}.{part}", Shape("*"), axes) for part in SPARSE_PARTS)
    _check_axes(tuple(value), name, shape, axes)
    try:
        matrix = sparse.csr_matrix((data, indices, indptr), shape=tuple(value))
        matrix.check_format(full_check=True)
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"the sparse array {name} is broken: {reason_of(error)}") from None
    return matrix


def _check_axes(sizes: tuple[int, ...], name: str, shape: Shape, axes: Axes) -> None:
    names = (shape.axes or "").split()
    if names == ["*"]:
        return
    if len(names) == len(sizes):
        pairs = zip(names, sizes, strict=True)
        wanted = [int(axis) if axis.isdigit() else axes.setdefault(axis, size) for axis, size in pairs]
    if len(names) != len(sizes) or list(sizes) != wanted:
        expected = ", ".join(f"{axis} = {axes[axis]}" if axis in axes else axis for axis in names)
        raise CheckpointError(f"the array {name} has the shape {list(sizes)}, expected [{expected}]")


def _component_class(hint: Any) -> type[Learned] | None:
    return next((member for member in _alternatives(hint) if _is_learned(member)), None)


def _member_class(hint: Any) -> type[Learned] | None:
    """The class of the members when `hint` is a tuple of any number of Learned."""
    arguments = get_args(hint)
    if get_origin(hint) is tuple and len(arguments) == 2 and arguments[1] is ... and _is_learned(arguments[0]):
        return arguments[0]
    return None


def _is_learned(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Learned)


def _is_optional(hint: Any) -> bool:
    return type(None) in _alternatives(hint)


def _alternatives(hint: Any) -> Iterator[Any]:
    yield from get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def reason_of(error: BaseException) -> str:
    """What is wrong, in one line: of several values that do not fit, the first."""
    if not isinstance(error, ValidationError):
        return " ".join(str(error).split())[:300]
    first = error.errors()[0]
    return ": ".join([*filter(None, [".".join(map(str, first["loc"]))]), first["msg"]])
