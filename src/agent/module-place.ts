/**
 * How the modules of a bundle know their own places: what each calls import.meta.url, __dirname and so on.
 *
 * A bundle that runs where its sources are has their places as texts. One that is sent to other hosts works them out from
 * its own: it lies at the top of a folder in which everything keeps its way from the current directory of the launcher.
 */

import { createHash } from 'node:crypto';
import { basename, dirname, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

export type Format = 'esm' | 'cjs';

/** What a module calls its own place, and the constant that stands for it in the bundle: each module declares its own. */
export const PLACES = {
  'import.meta.url': 'tsmpiUrl',
  'import.meta.dirname': 'tsmpiDirname',
  'import.meta.filename': 'tsmpiFilename',
  __dirname: 'tsmpiDirname',
  __filename: 'tsmpiFilename',
} as const;
const { 'import.meta.url': URL_NAME, __dirname: FOLDER_NAME, __filename: FILE_NAME } = PLACES;

/** The texts that tell modules their places. */
export interface ModulePlaces {
  /** What stands in front of a bundle: the program's argv[1], and in an ES module a require() for CommonJS parts of it. */
  banner(source: string, format: Format, isMain: boolean): string;
  /** Declarations in front of a module's first line, on that line, so that lines keep their numbers. */
  declare(path: string): string;
  /** The URL of another bundle, as an expression. */
  urlOf(output: string): string;
}

/** The declarations as an error message shows them. */
export const DECLARATION: RegExp = new RegExp(
  `^const ${URL_NAME} = .*?, ${FILE_NAME} = (?:"(?:[^"\\\\]|\\\\.)*"|tsmpiPath\\(\\S+\\)); `,
);

/** Sources and bundles are where they were when the bundle was made. */
export const fixedPlaces: ModulePlaces = {
  banner(source, format, isMain) {
    const lines = isMain ? [`process.argv[1] = ${JSON.stringify(source)};`] : [];
    if (format === 'esm') lines.unshift(requireFrom(JSON.stringify(pathToFileURL(source).href)));
    return lines.join(' ');
  },
  declare(path) {
    const values = [`${URL_NAME} = ${JSON.stringify(pathToFileURL(path).href)}`];
    values.push(`${FOLDER_NAME} = ${JSON.stringify(dirname(path))}`, `${FILE_NAME} = ${JSON.stringify(path)}`);
    return `const ${values.join(', ')}; `;
  },
  urlOf: (output) => `new URL(${JSON.stringify(pathToFileURL(output).href)})`,
};

/** Bundles lie at the top of a folder that is known when they run; `staged` says where in it a source would be. */
export function stagedPlaces(staged: (path: string) => string): ModulePlaces {
  const url = (path: string): string => `new URL(${JSON.stringify(encodeURI(staged(path)))}, tsmpiRoot)`;
  return {
    banner(source, format, isMain) {
      const lines =
        format === 'esm'
          ? [
              requireFrom('import.meta.url'),
              "import { fileURLToPath as tsmpiPath } from 'node:url';",
              "const tsmpiRoot = new URL('./', import.meta.url);",
            ]
          : [
              "const { fileURLToPath: tsmpiPath, pathToFileURL: tsmpiToUrl } = require('node:url');",
              "const tsmpiRoot = new URL('./', tsmpiToUrl(__filename));",
            ];
      if (isMain) lines.push(`process.argv[1] = tsmpiPath(${url(source)});`);
      return lines.join(' ');
    },
    declare(path) {
      const values = [
        `${URL_NAME} = ${url(path)}.href`,
        `${FOLDER_NAME} = tsmpiPath(new URL('.', ${URL_NAME})).replace(/(?<=.)\\/$/, '')`,
      ];
      return `const ${values.join(', ')}, ${FILE_NAME} = tsmpiPath(${URL_NAME}); `;
    },
    urlOf: (output) => `new URL(${JSON.stringify(encodeURI(basename(output)))}, tsmpiRoot)`,
  };
}

/** Return the name of the bundle of a source in that folder. */
export function outputOf(folder: string, source: string, format: Format): string {
  const hash = createHash('sha256').update(source).digest('hex').slice(0, 8);
  return join(folder, `${basename(source, extname(source))}-${hash}.${format === 'cjs' ? 'cjs' : 'mjs'}`);
}

function requireFrom(url: string): string {
  return `import { createRequire as tsmpiCreateRequire } from 'node:module'; const require = tsmpiCreateRequire(${url});`;
}
