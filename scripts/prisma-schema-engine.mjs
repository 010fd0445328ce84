#!/usr/bin/env node
// Stands in for Prisma's native schema engine (a download) with the official WebAssembly build of the same engine:
// the same arguments, the same JSON-RPC over stdio. Used by scripts/prisma-migrate.mjs to author and check migrations.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { PrismaPg } from '@prisma/adapter-pg';
import { ColumnTypeEnum, bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import pg from 'pg';

const CHAR_OID = 18;
const TEXT_OID = 25;
const METHODS = new Set([
  'applyMigrations',
  'createMigration',
  'dbExecute',
  'devDiagnostic',
  'diagnoseMigrationHistory',
  'diff',
  'ensureConnectionValidity',
  'evaluateDataLoss',
  'introspect',
  'markMigrationApplied',
  'markMigrationRolledBack',
  'reset',
  'schemaPush',
]);
const argv = process.argv.slice(2);
const require = createRequire(import.meta.url);
const closers = [];

const option = (name) => argv.flatMap((argument, index) => (argument === name ? [argv[index + 1]] : []));
const send = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

if (argv.includes('--version')) {
  console.log('schema-engine-wasm');
  process.exit(0);
}
const url = JSON.parse(option('--datasource')[0] ?? '{}').url ?? 'postgresql://none@127.0.0.1:1/none';
if (argv.includes('cli')) await runDatabaseCommand(argv[argv.indexOf('cli') + 1]);
else serve(await openEngine());

async function runDatabaseCommand(command) {
  process.stderr.write('\n'); // Prisma's command drops the first line of stderr
  const target = new URL(url);
  const name = decodeURIComponent(target.pathname.slice(1));
  const quoted = `"${name.replaceAll('"', '""')}"`;
  if (command !== 'can-connect-to-database') target.pathname = '/postgres';
  const client = new pg.Client({ connectionString: target.toString() });
  try {
    await client.connect();
    if (command === 'create-database') await client.query(`CREATE DATABASE ${quoted}`);
    if (command === 'drop-database') await client.query(`DROP DATABASE IF EXISTS ${quoted} WITH (FORCE)`);
    await client.end();
    process.exit(0);
  } catch (error) {
    const code = { '3D000': 'P1003', '28P01': 'P1000', '42P04': 'P1009' }[error.code] ?? 'P1001';
    const fields = { message: error.message, is_panic: false, error_code: code };
    process.stderr.write(
      `${JSON.stringify({ timestamp: new Date().toISOString(), level: 'ERROR', fields, target: 'schema_engine' })}\n`,
    );
    process.exit(1);
  }
}

async function openEngine() {
  const gluePath = require.resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const glue = await import(gluePath);
  const { instance } = await WebAssembly.instantiate(readFileSync(gluePath.replace(/\.js$/, '.wasm')), {
    './schema_engine_bg.js': glue,
  });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  const datamodels = option('--datamodels').map((file) => [file, readFileSync(file, 'utf8')]);
  const adapter = bindMigrationAwareSqlAdapterFactory(adapterFactory());
  return glue.SchemaEngine.new({ datamodels: datamodels.length > 0 ? datamodels : undefined }, () => {}, adapter);
}

function adapterFactory() {
  return {
    provider: 'postgres',
    adapterName: '@prisma/adapter-pg',
    async connect() {
      const { adapter, pool } = await openAdapter(url);
      closers.push(() => pool.end());
      adapter.dispose = async () => {};
      return adapter;
    },
    async connectToShadowDb() {
      const shadow = new URL(url);
      shadow.pathname = `/prisma_migrate_shadow_db_${randomUUID()}`;
      const quoted = `"${shadow.pathname.slice(1)}"`;
      const admin = new pg.Client({ connectionString: url });
      await admin.connect();
      await admin.query(`CREATE DATABASE ${quoted}`);
      const { adapter, pool } = await openAdapter(shadow.toString());
      adapter.dispose = async () => {
        await pool.end();
        await admin.query(`DROP DATABASE IF EXISTS ${quoted} WITH (FORCE)`);
        await admin.end();
      };
      return adapter;
    },
  };
}

/** @prisma/adapter-pg lacks the "char" type, which introspection selects, and splits scripts at semicolons inside strings. */
async function openAdapter(connectionString) {
  const pool = new pg.Pool({ connectionString, max: 1 });
  pool.on('error', () => {});
  const adapter = await new PrismaPg(pool).connect();
  const performIO = adapter.performIO.bind(adapter);
  const queryRaw = adapter.queryRaw.bind(adapter);
  let charColumns = [];
  adapter.performIO = async (query) => {
    const result = await performIO(query);
    charColumns = (result.fields ?? []).flatMap((field, index) => (field.dataTypeID === CHAR_OID ? [index] : []));
    for (const index of charColumns) result.fields[index].dataTypeID = TEXT_OID;
    return result;
  };
  adapter.queryRaw = async (query) => {
    const result = await queryRaw(query);
    for (const index of charColumns) result.columnTypes[index] = ColumnTypeEnum.Character;
    return result;
  };
  adapter.executeScript = (script) => pool.query(script).then(() => undefined);
  return { adapter, pool };
}

function serve(engine) {
  let chain = Promise.resolve();
  let printed = 0;
  const answer = async (method, params) => {
    if (method === 'getDatabaseVersion') return engine.version(params);
    if (method === 'createDatabase') return { databaseName: '' };
    if (!METHODS.has(method)) throw Object.assign(new Error(`no method ${method}`), { rpcCode: -32601 });
    const result = await engine[method](params);
    if (method === 'diff' && result?.stdout) {
      send({ jsonrpc: '2.0', id: `print-${++printed}`, method: 'print', params: { content: result.stdout } });
    }
    return result ?? null;
  };
  const handle = async ({ id, method, params }) => {
    try {
      send({ jsonrpc: '2.0', id, result: await answer(method, params) });
    } catch (error) {
      const data = { is_panic: false, message: error.message, meta: error.meta ?? null, error_code: error.code };
      send({ jsonrpc: '2.0', id, error: { code: error.rpcCode ?? 4466, message: 'The engine failed.', data } });
    }
  };
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    const message = line.trim() === '' ? {} : JSON.parse(line);
    if (message.method) chain = chain.then(() => handle(message));
  });
  lines.on('close', async () => {
    await chain;
    for (const close of closers) await close();
    process.exit(0);
  });
}
