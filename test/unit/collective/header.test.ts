import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CATALOGUE } from '../../../src/collective/catalogue.ts';

const FOLDER = new URL('../../../src/collective/', import.meta.url);
const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const FIELDS = ['Cost', 'Needs', 'Order', 'Wins when', 'See'];

test.each(Object.entries(CATALOGUE))(
  '%s has one file an algorithm, with the header that the style asks for',
  (operation, algorithms) => {
    const files = readdirSync(new URL(`${kebab(operation)}/`, FOLDER)).map((file) => file.replace(/\.ts$/, ''));
    // The barrier that ends an area's use is nobody's choice.
    expect(files.filter((file) => file !== 'leave').sort()).toEqual(Object.keys(algorithms).sort());
    for (const file of files) {
      const source = readFileSync(new URL(`${kebab(operation)}/${file}.ts`, FOLDER), 'utf8');
      const header = source.slice(0, source.indexOf('*/'));
      const found = [...header.matchAll(/^ \* ([A-Z][a-z ]+): \S/gm)].map(([, field]) => field);
      expect(found.slice(-FIELDS.length), file).toEqual(FIELDS);
    }
  },
);

test('the folder has the files of its operations and no other', () => {
  const folders = readdirSync(FOLDER, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual(Object.keys(CATALOGUE).map(kebab).sort());
});
