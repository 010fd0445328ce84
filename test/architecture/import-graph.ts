import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

const root = resolve(import.meta.dirname, '../..');

/** Every TypeScript source under a folder of the repository, tests left out; paths relative to the root. */
export function sourcesUnder(folder: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!['node_modules', 'dist', 'generated'].includes(entry.name)) found.push(...sourcesUnder(path));
    } else if (/\.tsx?$/.test(entry.name) && !/\.(spec|spec-support)\.tsx?$/.test(entry.name)) found.push(path);
  }
  return found;
}

/** Specifiers that a file imports at run time; `import type` is left out unless `types` is true. */
export function importsOf(file: string, { types = true } = {}): string[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.ES2023, true);
  const specifiers: string[] = [];
  const visit = (node: ts.Node): void => {
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier !== undefined &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      if (types || !isTypeOnly(node)) specifiers.push(node.moduleSpecifier.text);
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument !== undefined && ts.isStringLiteral(argument)) specifiers.push(argument.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return specifiers;
}

function isTypeOnly(node: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  if (node.importClause === undefined) return false;
  if (node.importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const bindings = node.importClause.namedBindings;
  return (
    node.importClause.name === undefined &&
    bindings !== undefined &&
    ts.isNamedImports(bindings) &&
    bindings.elements.length > 0 &&
    bindings.elements.every((element) => element.isTypeOnly)
  );
}

/** The file of ours that a specifier means, or undefined for a package of others. */
export function resolveOurs(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) {
    const path = join(dirname(file), specifier.replace(/\.js$/, '.ts'));
    return existsSync(join(root, path)) ? path : undefined;
  }
  const ours = /^@tributary\/([^/]+)(?:\/(.+))?$/.exec(specifier);
  if (ours === null) return undefined;
  const home = ['libs', 'apps']
    .map((area) => join(area, ours[1] ?? ''))
    .find((candidate) => existsSync(join(root, candidate)));
  return home === undefined ? undefined : join(home, 'src', `${ours[2] ?? 'index'}.ts`);
}

/** Every package of others, and every Node module, that is loaded when `entry` is loaded; with the chain that leads there. */
export function packagesReachedFrom(entry: string): Map<string, string[]> {
  const reached = new Map<string, string[]>();
  const seen = new Set<string>();
  const queue: { file: string; chain: string[] }[] = [{ file: entry, chain: [entry] }];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (seen.has(next.file)) continue;
    seen.add(next.file);
    for (const specifier of importsOf(next.file, { types: false })) {
      const file = resolveOurs(next.file, specifier);
      if (file !== undefined) queue.push({ file, chain: [...next.chain, file] });
      else if (!reached.has(specifier)) reached.set(specifier, next.chain);
    }
  }
  return reached;
}

/** The workspace (`libs/diffusion`, `apps/cli`) that a path belongs to. */
export function workspaceOf(path: string): string {
  return relative('.', path).split('/').slice(0, 2).join('/');
}
