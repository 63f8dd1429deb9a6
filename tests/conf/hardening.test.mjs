// What the programs have against those who make them run what they should not: read from the programs as they were
// built, and tried on a small one that is built with the same flags; without each of them, what it is for is missed.
//
// covers: Makefile
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const build = path.resolve(process.env.BUILD ?? 'build');
const programs = ['slipway-api', 'slipway-worker', 'slipway'].map((name) => path.join(build, name));
const flags = readFileSync(path.join(build, 'flags'), 'utf8').trim();
const skip = /-fsanitize|--coverage/.test(flags) && 'not a release build';
const isX86 = process.arch === 'x64';
const folder = mkdtempSync(path.join(tmpdir(), 'slipway-hardening-'));
after(() => rmSync(folder, { recursive: true }));

const run = (command, ...words) => execFileSync(command, words, { encoding: 'utf8', maxBuffer: 1 << 28 });
const checked = (program) => Object.values(JSON.parse(run('checksec', `--file=${program}`, '--output=json')))[0];
const segments = (program) => [...run('readelf', '-lW', program).matchAll(/^ +LOAD( +0x\w+){5} ([RWE ]{3})/gm)]
  .map((match) => match[2].replace(/ /g, ''));
const disassembled = (program) => run('objdump', '-d', '--no-show-raw-insn', program);

// Reads what is left on the stack; writes behind what it was given; has a frame of many pages.
const PROBE = `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define APART __attribute__((noinline))
APART static void soil(void)
{
	volatile char bytes[4096];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 'x';
}
APART static int find(void)
{
	char bytes[2048];
	int found = 0;
	__asm__ volatile("" : : "r"(bytes) : "memory");
	for (size_t i = 0; i < sizeof(bytes); i++)
		found += bytes[i] == 'x';
	return found;
}
APART static void overflow(size_t size)
{
	char *bytes = malloc(size);
	memset(bytes, 'y', size + 1);
	puts(bytes);
}
APART static void fill(const char *text)
{
	char bytes[65536];
	strcpy(bytes, text);
	puts(bytes);
}
int main(int count, char **words)
{
	if (count > 2)
		overflow((size_t)atoi(words[1]));
	fill(words[0]);
	soil();
	return find() > 0;
}
`;

// How each is seen, and what a build without it would have been given.
const properties = {
  'position independent': [(program) => checked(program).pie === 'yes', '-fno-pie -no-pie'],
  'relocations are read-only, and all made at the start': [(program) => checked(program).relro === 'full',
    '-Wl,-z,lazy'],
  'the stack cannot be executed': [(program) => checked(program).nx === 'yes', '-Wl,-z,execstack'],
  'code and data are in pages of their own': [(program) => {
    const found = segments(program);
    return found[0] === 'R' && found.filter((flag) => flag.includes('E')).join() === 'RE';
  }, '-Wl,-z,noseparate-code'],
  'the stack has canaries': [(program) => checked(program).canary === 'yes', '-fno-stack-protector'],
  'no library is looked for where others may write': [(program) =>
    checked(program).rpath === 'no' && checked(program).runpath === 'no', '-Wl,-rpath,/tmp'],
  'functions of the C library know what they write to': [(program) => checked(program).fortify_source === 'yes',
    '-U_FORTIFY_SOURCE'],
};
if (isX86) {
  properties['no frame of the stack jumps over a guard page'] = [(program) =>
    /sub +\$0x1000,%rsp\n.*(or|mov)q +\$0x0,(0x\w+)?\(%rsp\)/.test(disassembled(program)),
  '-fno-stack-clash-protection'];
  properties['indirect branches may lead to the beginning of functions only'] = [(program) =>
    /<main>:\n.*endbr64/.test(disassembled(program)), '-fcf-protection=none'];
}
// What no program shows is tried on the small one alone.
const tried = {
  'locals are zero before they are set': [(program) => spawnSync(program).status === 0,
    '-ftrivial-auto-var-init=uninitialized'],
  'a size that is known at run time only is kept': [(program) =>
    spawnSync(program, ['100', 'overflow']).signal === 'SIGABRT', '-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2'],
};

function probe(more) {
  const [source, program] = [path.join(folder, 'probe.c'), path.join(folder, 'probe')];
  writeFileSync(source, PROBE);
  const made = spawnSync('sh', ['-c', `${flags} -w ${more} -o "$1" "$2" ${more}`, 'sh', program, source],
    { encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  return program;
}

before(() => {
  for (const program of programs) assert.ok(existsSync(program), program);
});

for (const [name, [is, without]] of Object.entries({ ...properties, ...tried })) {
  test(name, { skip }, () => {
    for (const program of name in properties ? programs : []) assert.ok(is(program), program);
    assert.ok(is(probe('')), 'a program that is built with these flags');
    assert.ok(!is(probe(without)), `${without} is found`);
  });
}

// The coroutines alone have no shadow stack, and so have no programs with them; see the Makefile.
test('all that is compiled says that it keeps control flow', { skip: skip || (!isX86 && 'not x86-64') }, () => {
  const found = {};
  for (const part of ['src', 'workflows']) {
    for (const name of readdirSync(path.join(build, 'obj', part), { recursive: true })) {
      const source = path.join(part, name.replace(/\.o$/, '.c'));
      if (!name.endsWith('.o') || !existsSync(source)) continue;
      const says = /x86 feature: (.*)/.exec(run('readelf', '-nW', path.join(build, 'obj', part, name)));
      (found[says?.[1] ?? 'nothing'] ??= []).push(source);
    }
  }
  assert.deepEqual(Object.keys(found).sort(), ['IBT', 'IBT, SHSTK']);
  assert.deepEqual(found.IBT, ['src/base/coroutine.c']);
  for (const program of programs) assert.doesNotMatch(run('readelf', '-nW', program), /x86 feature: .*SHSTK/);
});
