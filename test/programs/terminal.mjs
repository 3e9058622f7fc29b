/** Prints what its standard streams say of the terminal. */

import 'tsmpi';

const { stdout, stderr } = process;
console.log(JSON.stringify({ stdout: [stdout.isTTY === true, stdout.columns], stderr: [stderr.isTTY === true, stderr.columns] }));
