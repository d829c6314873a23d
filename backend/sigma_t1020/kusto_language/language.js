// Answers questions about KQL with Microsoft's own parser, one JSON object a line, in and out.
//
//   {"op": "define", "schema": name, "tables": {table: {column: type}}}  -> {"ok": true}
//   {"op": "diagnostics", "schema": name, "query": text, "open": tables} -> {"ok": [[code, severity, message, start, length], ...]}
//   {"op": "strings", "query": text}                                     -> {"ok": [text, ...]}
//   anything that goes wrong                                             -> {"error": text}
//
// "open", tables of which not all columns are known, may be left out. Offsets and lengths are in UTF-16 code units, as JavaScript counts.
// Usage: node language.js <folder of @kusto/language-service-next>
"use strict";

const fs = require("fs");
const path = require("path");
const vm = require("vm");
for (const file of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
  vm.runInThisContext(fs.readFileSync(path.join(process.argv[2], file), "utf8"), { filename: file });
}
const { Editor, GlobalState, KustoCode, Symbols, Syntax } = globalThis.Kusto.Language;
const schemas = new Map();

function list(enumerable) {
  const items = [];
  if (!enumerable) return items;
  const enumerator = globalThis.Bridge.getEnumerator(enumerable);
  while (enumerator.moveNext()) items.push(enumerator.Current);
  return items;
}

function symbolsOf(tables) {
  return Object.entries(tables).map(([table, columns]) => {
    const members = Object.entries(columns).map(([column, type]) => {
      const symbol = Symbols.ScalarTypes.GetSymbol(type);
      if (!symbol) throw new Error(`${table}.${column} has the type ${type}, which is not a Kusto type`);
      return new Symbols.ColumnSymbol(column, symbol);
    });
    return new Symbols.TableSymbol.$ctor4(table, members);
  });
}

function database(tables) {
  return GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.$ctor1("database", tables));
}

// A schema and tables beside it of which not all columns are known: a column that is not listed is of any type.
const extended = new Map();
function extend(schema, open) {
  const name = JSON.stringify([schema, open]);
  if (!extended.has(name)) {
    const tables = symbolsOf(open).map((table) => table.WithIsOpen(true));
    extended.set(name, database([...list(schemas.get(schema).Database.Tables), ...tables]));
  }
  return extended.get(name);
}

// What two scalar types are compared by. Types that Kusto converts for a comparison, and those only known when
// the query runs, have no family and are compatible with every other.
const FAMILY = {
  string: "string",
  int: "number",
  long: "number",
  real: "number",
  decimal: "number",
  bool: "number",
  datetime: "datetime",
  timespan: "timespan",
};

// The language service accepts `==`, `!=`, `in` and `!in` between any two types; the engine does not (SEM0064).
function incomparable(code) {
  const found = [];
  function compare(operator, left, right) {
    const [a, b] = [left, right].map((side) => side.ResultType && side.ResultType.Name);
    if (!FAMILY[a] || !FAMILY[b] || FAMILY[a] === FAMILY[b]) return;
    found.push(["SEM0064", "Error", `Cannot compare values of types ${a} and ${b}`, operator.TextStart, operator.Width]);
  }
  Syntax.SyntaxElement.WalkNodes(code.Syntax, (node) => {
    const { SyntaxKind } = Syntax;
    if (node.Kind === SyntaxKind.EqualExpression || node.Kind === SyntaxKind.NotEqualExpression) {
      compare(node.Operator, node.Left, node.Right);
    } else if (node.Kind === SyntaxKind.InExpression || node.Kind === SyntaxKind.NotInExpression) {
      for (const element of list(node.Right.Expressions)) compare(node.Operator, node.Left, element.Element$1 || element.Element);
    }
  });
  return found;
}

function diagnostics(kql, globals) {
  if (!globals) throw new Error("the schema of the query is not defined");
  const code = KustoCode.ParseAndAnalyze(kql, globals);
  const service = new Editor.KustoCodeService.ctor(code);
  const found = [...list(code.GetDiagnostics()), ...list(service.GetAnalyzerDiagnostics(true))];
  return [
    ...found.map((item) => [item.Code, item.Severity, item.Message, item.Start, item.Length]),
    ...incomparable(code),
  ];
}

function strings(kql) {
  const values = [];
  const { LiteralExpression, SyntaxKind } = Syntax;
  Syntax.SyntaxElement.WalkNodes(KustoCode.Parse(kql).Syntax, (node) => {
    if (node instanceof LiteralExpression && node.Kind === SyntaxKind.StringLiteralExpression) {
      values.push(node.LiteralValue);
    } else if (node.Kind === SyntaxKind.CompoundStringLiteralExpression) {
      values.push(node.LiteralValue);
    }
  });
  return values;
}

function answer(request) {
  switch (request.op) {
    case "define":
      schemas.set(request.schema, database(symbolsOf(request.tables)));
      return true;
    case "diagnostics":
      return diagnostics(request.query, request.open ? extend(request.schema, request.open) : schemas.get(request.schema));
    case "strings":
      return strings(request.query);
    default:
      throw new Error(`unknown operation ${request.op}`);
  }
}

function reply(line) {
  let answered;
  try {
    answered = { ok: answer(JSON.parse(line)) };
  } catch (error) {
    answered = { error: String((error && error.message) || error) };
  }
  // ASCII only: nothing between here and Python can then change, split or refuse a character.
  return JSON.stringify(answered).replace(
    /[\u007f-\uffff]/g,
    (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

let pending = "";
process.stdin.setEncoding("ascii");
process.stdin.on("data", (chunk) => {
  const lines = (pending + chunk).split("\n");
  pending = lines.pop();
  for (const line of lines) process.stdout.write(reply(line) + "\n");
});
