// Compiles the Python of a folder for Lambda: node compile_bytecode.mjs FOLDER
//
// Packages become bytecode alone, which takes a fifth off the zip. Our own sources stay beside
// theirs, so that a traceback shows lines of them. Nothing compares bytecode with its source.
import { loadPyodide } from "pyodide";

// The order of sets ends up in bytecode.
const python = await loadPyodide({ env: { PYTHONHASHSEED: "0", HOME: "/" } });
python.FS.mkdir("/tree");
python.mountNodeFS("/tree", process.argv[2]);
python.runPython(`
import py_compile
from pathlib import Path

TREE = Path("/tree")
for source in sorted(TREE.rglob("*.py")):
    name = source.relative_to(TREE)
    is_ours = name.parts[0] == "functions"
    py_compile.compile(
        str(source),
        cfile=None if is_ours else str(source.with_suffix(".pyc")),
        dfile=f"/var/task/{name}",
        doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
    if not is_ours:
        source.unlink()
`);
