"""MQL5 to C++17, token by token: inputs, arrays and includes; everything else stays as it is."""

from collections.abc import Sequence
from pathlib import Path

from tests.mql5.tokens import INCLUDE, Token, Types, tokens, types_of, units


class _Rewriter:
    """Walks the tokens of one file."""

    def __init__(self, source: Sequence[Token], types: Types) -> None:
        self.source, self.types = source, types
        self.out: list[str] = []
        self.inputs: list[str] = []

    def run(self) -> str:
        """The whole file as C++."""
        at = 0
        while at < len(self.source):
            at = self._step(at)
        return "".join(self.out)

    def _step(self, at: int) -> int:
        token = self.source[at]
        if token.kind == "directive":
            self.out.append(_directive(token.text))
            return at + 1
        if token.text == "input":
            return self._input(at)
        if token.kind == "name" and token.text in self.types.all:
            behind = self._array(at)
            if behind:
                return behind
        self.out.append(token.text)
        return at + 1

    def _skip(self, at: int) -> int:
        while at < len(self.source) and self.source[at].kind in ("space", "comment"):
            at += 1
        return at

    def _text(self, at: int) -> str:
        return self.source[at].text if at < len(self.source) else ""

    def _input(self, at: int) -> int:
        """An input is a constant: a hidden variable that the host sets, seen through a reference."""
        kind = self._skip(at + 1)
        name = self._skip(kind + 1)
        if self._text(kind) == "group":
            return name + 1
        end = next(i for i in range(name, len(self.source)) if self._text(i) == ";")
        value = "".join(token.text for token in self.source[name + 1 : end])
        self.inputs.append(self._text(name))
        self.out.append(
            f"static {self._text(kind)} _{self._text(name)}{value}; "
            f"static const {self._text(kind)} &{self._text(name)}=_{self._text(name)};"
        )
        return end + 1

    def _array(self, at: int) -> int:
        """``T name[]`` and ``T &name[]`` and ``T a[],b[]``; 0 when there is no array here."""
        kind = self._text(at)
        begin = self._skip(at + 1)
        reference = self._text(begin) == "&"
        name = self._skip(begin + 1) if reference else begin
        bracket = self._skip(name + 1)
        if name >= len(self.source) or self.source[name].kind != "name":
            return 0
        if self._text(bracket) != "[" or self._text(self._skip(bracket + 1)) != "]":
            return 0
        self.out.append(f"Array<{kind}> {'&' if reference else ''}{self._text(name)}")
        behind = self._skip(bracket + 1) + 1
        while (more := self._another(behind)) is not None:
            self.out.append(f"; Array<{kind}> {self._text(more)}")
            behind = self._skip(self._skip(more + 1) + 1) + 1
        return behind

    def _another(self, at: int) -> int | None:
        """The name of a further array in the same declaration."""
        comma = self._skip(at)
        name = self._skip(comma + 1)
        bracket = self._skip(name + 1)
        is_array = (
            self._text(comma) == ","
            and self._text(bracket) == "["
            and self._text(self._skip(bracket + 1)) == "]"
            and self._text(name).isidentifier()
            and self._text(name) not in self.types.all | {"const"}
        )
        return name if is_array else None


def _directive(text: str) -> str:
    if text.lstrip().startswith("#property"):
        return "//" + text
    found = INCLUDE.match(text)
    return f'#include "{Path(found.group(1)).name}"' if found else text


def rewrite(main: Path, folder: Path) -> Path:
    """Writes the program as C++ into a folder; errors of the compiler name the MQL5 lines."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = units(main)
    types = types_of(paths)
    for path in paths:
        rewriter = _Rewriter(tokens(path.read_text("utf-8")), types)
        code = f'#line 1 "{path}"\n{rewriter.run()}\n'
        if path != paths[0]:
            (folder / path.name).write_text(code, "utf-8")
            continue
        for name in rewriter.inputs:
            code += f'static MqlInput _input_{name}("{name}",_{name});\n'
        (folder / "ea.cpp").write_text(f'#include "mql5rt.hpp"\n{code}', "utf-8")
    return folder / "ea.cpp"
