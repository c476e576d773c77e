"""The shipped source, and the harness's eye for mistakes that MetaEditor would refuse."""

import re
import shutil
from pathlib import Path

import pytest

from tests.mql5.build import SOURCE, Refused, compiler, read_by_compiler
from tests.mql5.lint import lint
from tests.mql5.tokens import units

#: What is changed where, and what the lint has to say. Each compiles as C++.
MISTAKES = {
    "struct by value": ("parts/Trace.mqh", "void Judge(const Job &job,", "void Judge(const Job job,", "293"),
    "array by value": ("parts/Journal.mqh", "void ReadBegin(const string &part[])",
                       "void ReadBegin(const string part[])", "294"),
    "local reference": ("parts/Trade.mqh", "   bool deal=(request.action",
                        "   Job &job=g_jobs[k];\n   bool deal=(request.action", "229"),
    "auto": ("AiTrader.mq5", "bool settled=HasSettled();", "auto settled=HasSettled();", "auto"),
    "pragma": ("AiTrader.mq5", "#include \"parts/Panel.mqh\"", "#pragma once\n#include \"parts/Panel.mqh\"",
               "#pragma"),
    "number suffix": ("parts/Trace.mqh", "last+2*86400", "last+2L*86400", "suffix"),
    "handler": ("AiTrader.mq5", "void OnDeinit(const int reason)", "void OnDeinit(int reason)", "OnDeinit"),
    "declaration in if": ("AiTrader.mq5", "   if(working && g_loaded)", "   if(bool w=working)", "179"),
    "pointer": ("AiTrader.mq5", "bool working=LockTake();", "bool *w; bool working=LockTake();", "pointer"),
    "range for": ("parts/Commands.mqh", "for(int i=0; i<count && g_loaded; i++)", "for(Job job : g_jobs)",
                  "range"),
}  # fmt: skip

#: The same for what the compiler sees.
COMPILED = {
    "unknown function": ("parts/Journal.mqh", "FileFlush(h);", "FileFlushNow(h);", "FileFlushNow"),
    "argument count": ("parts/Journal.mqh", "FileMove(fresh,0,OwnFile(kind),FILE_REWRITE)",
                       "FileMove(fresh,OwnFile(kind))", "FileMove"),
    "property of another family": ("parts/Broker.mqh", "SymbolInfoDouble(symbol,SYMBOL_VOLUME_STEP)",
                                   "SymbolInfoDouble(symbol,SYMBOL_DIGITS)", "SYMBOL_DIGITS|convert"),
    "number to text": ("parts/State.mqh", '   o.note="";', "   o.note=5;", "note|string"),
    "input is written": ("AiTrader.mq5", "   g_online=0;", "   InpMaxLot=1.0;", "InpMaxLot|read-only|const"),
    "unused variable": ("AiTrader.mq5", "bool settled=", "int unused=1; bool settled=", "unused"),
}  # fmt: skip


def damaged(folder: Path, *changes: tuple[str, str, str]) -> Path:
    """A copy of the source with changes: file, old text, new text."""
    source = folder / "source"
    shutil.copytree(SOURCE.parent, source)
    for file, old, new in changes:
        text = (source / file).read_text("utf-8")
        assert old in text, old
        (source / file).write_text(text.replace(old, new, 1), "utf-8")
    return source / SOURCE.name


def test_the_shipped_source_is_clean() -> None:
    assert lint(SOURCE) == []


def test_every_file_belongs_to_the_program_and_is_plain_text() -> None:
    shipped = {path.resolve() for path in SOURCE.parent.rglob("*.mq*")}
    assert set(units(SOURCE)) == shipped
    for path in shipped:
        text = path.read_bytes()
        assert text.isascii() and b"\r" not in text and b"\t" not in text, path
        assert len(text.splitlines()) <= 300, path


def test_every_input_has_its_help() -> None:
    inputs = re.findall(r"^input (?!group).*$", SOURCE.read_text("utf-8"), re.M)
    assert len(inputs) == 7
    for line in inputs:
        assert re.search(r"; +// \S.{10,}$", line), line


def test_the_version_is_said_once() -> None:
    (shown,) = re.findall(r'#property version +"(.+)"', SOURCE.read_text("utf-8"))
    state = (SOURCE.parent / "parts" / "State.mqh").read_text("utf-8")
    assert f'EA_VERSION      "{shown}"' in state


@pytest.mark.parametrize("name", MISTAKES)
def test_lint_notices(tmp_path: Path, name: str) -> None:
    file, old, new, complaint = MISTAKES[name]
    found = lint(damaged(tmp_path, (file, old, new)))
    assert any(complaint in problem for problem in found), found


def test_the_compiler_notices_each_mistake_and_names_its_line(tmp_path: Path) -> None:
    """All in one program, since each reading takes a second."""
    main = damaged(tmp_path, *(mistake[:3] for mistake in COMPILED.values()))
    assert lint(main) == []
    with pytest.raises(Refused) as refused:
        read_by_compiler(main, tmp_path / "build")
    said = str(refused.value)
    for name, (file, _, new, complaint) in COMPILED.items():
        number = (main.parent / file).read_text("utf-8").split(new)[0].count("\n") + 1
        places = re.findall(rf"{Path(file).name}:{number + new.count(chr(10))}:\d+: error: .*", said)
        assert any(re.search(complaint, place) for place in places), f"{name}: {said}"


def test_no_compiler_is_a_failure_not_a_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Refused, match="install g"):
        compiler()


def test_the_compiler_of_the_ziglang_wheel_is_the_last_resort(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert compiler().command[1:] == ("-m", "ziglang", "c++")
