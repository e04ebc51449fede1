"""Names of functions and classes as people write them: as short as they can be imported.

Nothing of the application is called for it: only dictionaries of modules, classes and objects are read.
"""

from __future__ import annotations

import sys
from types import CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any, Final

UNKNOWN: Final = object()
"""What cannot be found without calling something."""

_OWN_NAMES: Final = {
    "_thread.lock": "threading.Lock",
    "_thread.RLock": "threading.RLock",
    "_queue.SimpleQueue": "queue.SimpleQueue",
    "posix": "os",
    "posixpath": "os.path",
}
"""Names of what the standard library keeps under another one than people write."""


def frame_name(frame: FrameType) -> str:
    """Name the function of a library's frame, as short as it can be imported."""
    code = frame.f_code
    names = code.co_qualname.partition(".<locals>")[0].split(".")
    while len(names) > 1 and names[-1].startswith("__"):
        del names[-1]
    module = str(frame.f_globals.get("__name__", ""))
    if not module or names[-1].startswith(("<", "__")):
        return module
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        prefix = ".".join(parts[:length])
        known = vars(sys.modules[prefix]) if prefix in sys.modules else {}
        if _code_of(known.get(names[-1])) is code:
            return f"{prefix}.{names[-1]}"
        first = known.get(names[0])
        if isinstance(first, type) and (first.__module__, first.__qualname__) == (module, names[0]):
            return f"{prefix}.{'.'.join(names)}"
    return f"{module}.{'.'.join(names)}"


def attribute(holder: Any, name: str) -> tuple[Any, str]:
    """Find an attribute of an object or a class without running code of theirs."""
    if not isinstance(holder, type):
        own = _dictionary(holder).get(name, UNKNOWN)
        if own is not UNKNOWN:
            return own, own_name(own)
    kind = holder if isinstance(holder, type) else type(holder)
    for owner in kind.__mro__:
        found = vars(owner).get(name, UNKNOWN)
        if found is UNKNOWN:
            continue
        if isinstance(found, staticmethod | classmethod):
            found = found.__func__
        if callable(found) or not hasattr(type(found), "__get__"):
            return found, f"{type_name(owner)}.{name}"
        break
    return UNKNOWN, ""


def _dictionary(found: Any) -> dict[str, Any]:
    try:
        own = object.__getattribute__(found, "__dict__")
    except AttributeError:
        return {}
    return own if isinstance(own, dict) else {}


def own_name(found: Any) -> str:
    """Name a function or class by what it says of itself; an object has no name."""
    if found is UNKNOWN or isinstance(found, ModuleType):
        return ""
    if isinstance(found, type):
        return type_name(found)
    bound = getattr(found, "__self__", None) if type(found).__name__.startswith("builtin_") else None
    if bound is not None and not isinstance(bound, ModuleType):
        return f"{type_name(bound if isinstance(bound, type) else type(bound))}.{found.__name__}"
    if isinstance(found, MethodType):
        found = found.__func__
    module, name = module_of(found), _qualified(found)
    return _known_as(module, name, found) if name else ""


def _qualified(found: Any) -> str:
    named = isinstance(found, FunctionType) or type(found).__name__.startswith("builtin_")
    return str(found.__qualname__) if named else ""


def module_of(found: Any) -> str:
    """Give the module of a function or a class, or that of an object's class."""
    if isinstance(found, MethodType):
        found = found.__func__
    if isinstance(found, ModuleType):
        return found.__name__
    module = getattr(found, "__module__", None) if isinstance(found, FunctionType | type) else None
    if module is None and type(found).__name__.startswith(
        ("builtin_", "method_", "classmethod_", "wrapper_")
    ):
        module = getattr(found, "__module__", None) or getattr(
            getattr(found, "__objclass__", None), "__module__", None
        )
    return str(module or type(found).__module__)


def type_name(kind: Any) -> str:
    """Name a class, or that of an object; nothing to be said of an object of a built-in one."""
    if not isinstance(kind, type):
        kind = type(kind)
        if kind.__module__ == "builtins":
            return ""
    return _known_as(kind.__module__, kind.__qualname__, kind)


def _known_as(module: str, name: str, found: Any) -> str:
    if module == "builtins":
        return name
    full = f"{module}.{name}"
    if full in _OWN_NAMES:
        return _OWN_NAMES[full]
    return shortest(f"{_OWN_NAMES.get(module, module)}.{name}", found)


def shortest(name: str, found: Any) -> str:
    """Leave out the modules between, where a package gives the same object under its own name."""
    *modules, last = name.split(".")
    for length in range(1, len(modules)):
        package = sys.modules.get(".".join(modules[:length]))
        if package is not None and found is not UNKNOWN and vars(package).get(last) is found:
            return f"{package.__name__}.{last}"
    first = modules[0].removeprefix("_") if modules else ""
    public = sys.modules.get(first)
    if modules[:1] != [first] and public is not None:
        # `_io`, `_socket`, `_hashlib`: the C half of a module, whose class may be a base of the other's.
        known = vars(public).get(last)
        if known is found or (isinstance(known, type) and found in known.__mro__):
            return f"{first}.{last}"
    return name


def _code_of(found: Any) -> CodeType | None:
    function = found.__func__ if isinstance(found, MethodType) else found
    return function.__code__ if isinstance(function, FunctionType) else None
