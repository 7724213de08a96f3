// Prints the TypeScript on standard input in the compiler's own layout, a member a line.
import ts from "typescript";

let text = "";
for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk;
const file = ts.createSourceFile("types.ts", text, ts.ScriptTarget.Latest);
process.stdout.write(ts.createPrinter().printFile(file));
